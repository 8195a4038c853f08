// What is asked of a volume that is open, here and through its socket.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "framework/base/memory_event_sink.hpp"
#include "framework/io/file.hpp"
#include "framework/io/file_lock.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;

// Those of a volume that is not mounted; a job waits at the gate before it gets at them.
class GatedFiles final : public JobFiles {
 public:
  GatedFiles(int root, VolumeParts parts) : files_(root, parts) {}

  void exclusively(const std::function<void()>& work) override {
    {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
      --waiting_;
    }
    files_.exclusively(work);
  }
  Result<DedupFile*> open(const BytePath& path) override { return files_.open(path); }
  Result<std::set<FileId>> in_use() const override { return files_.in_use(); }
  Use use_of(dev_t, ino_t) const override { return Use::ask_the_kernel; }

  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  UnmountedFiles files_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

class VolumeSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::ext4, reason);
    if (!fs_) GTEST_SKIP() << reason;
    for (int i = 0; i < 3; ++i) {
      std::ofstream(fs_->mount_point() + "/file" + std::to_string(i))
          << std::string(100'000, static_cast<char>('a' + i));
    }
    ASSERT_TRUE(fs_->unmount());
    VolumeSettings settings;
    settings.policy.age_min = std::chrono::seconds(0);
    const Status enabled =
        VolumeOnDevice::enable(fs_->device(), settings, chunkstore::ChunkProfile::kib64);
    ASSERT_TRUE(enabled.ok()) << enabled.error().what();
    open();
  }
  void open() {
    session_.reset();
    files_.reset();
    volume_.reset();
    auto opened = VolumeOnDevice::open(fs_->device());
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    volume_ = std::move(opened).value();
    files_ = std::make_unique<GatedFiles>(volume_->root(), volume_->parts());
    session_ = std::make_unique<VolumeSession>(*volume_, *files_, "", &events_);
  }
  Result<Json> ask(const Json& question) { return session_->answer(question, {}); }
  Json answer(const Json& question) {
    const auto got = ask(question);
    EXPECT_TRUE(got.ok()) << question << ": " << got.error().what();
    return got.ok() ? got.value() : Json();
  }
  void wait_for_the_job() {
    while (!answer({{"do", "job"}})["job"].is_null()) std::this_thread::yield();
  }

  std::unique_ptr<LoopFs> fs_;
  std::unique_ptr<VolumeOnDevice> volume_;
  std::unique_ptr<GatedFiles> files_;
  // Ids, in order.
  std::vector<int> told() const {
    std::vector<int> ids;
    for (const EventRecord& event : events_.events()) ids.push_back(event.id);
    return ids;
  }

  MemoryEventSink events_;
  std::unique_ptr<VolumeSession> session_;
};

TEST_F(VolumeSessionTest, KeepsWhatEachJobDidLast) {
  EXPECT_EQ(answer({{"do", "optimize"}})["optimized_files"], 3);
  EXPECT_EQ(answer({{"do", "gc"}, {"full", true}})["full"], 1);
  EXPECT_EQ(answer({{"do", "scrub"}})["damaged_files"], 0);
  open();
  const Json status = answer({{"do", "status"}});
  EXPECT_EQ(status["last_optimization"]["optimized_files"], 3);
  EXPECT_EQ(status["last_optimization"]["result_name"], "ok");
  EXPECT_EQ(status["last_garbage_collection"]["full"], 1);
  EXPECT_EQ(status["last_scrubbing"]["files"], 3);
  EXPECT_TRUE(status["last_unoptimization"].is_null());
  EXPECT_EQ(status["in_policy_files_count"], 3);
  EXPECT_EQ(status["in_policy_files_size"], 300'000);
  EXPECT_EQ(status["optimized_files_count"], 3);
  EXPECT_EQ(status["optimized_files_size"], 300'000);
}

TEST_F(VolumeSessionTest, SavedSpaceIsWhatFilesWouldTakeAndTheStoreDoesNot) {
  const Json before = answer({{"do", "status"}});
  EXPECT_LE(before["saved_space"].get<std::int64_t>(), 0);
  EXPECT_EQ(before["savings_rate"], 0);
  answer({{"do", "optimize"}});
  const Json after = answer({{"do", "status"}});
  const auto saved = after["saved_space"].get<std::int64_t>();
  EXPECT_GT(saved, 200'000);
  EXPECT_LT(saved, 300'000);
  EXPECT_EQ(after["unoptimized_size"].get<std::int64_t>(),
            after["used_space"].get<std::int64_t>() + saved);
  EXPECT_EQ(after["optimized_files_savings_rate"].get<std::int64_t>(), saved * 100 / 300'000);
}

TEST_F(VolumeSessionTest, HasOneJobAtATimeThatCanBePausedAndCancelled) {
  files_->set_open(false);
  EXPECT_EQ(ask({{"do", "pause"}}).error().code(), Errc::not_found);
  EXPECT_EQ(answer({{"do", "optimize"}, {"background", true}})["state"], "running");
  files_->wait_for_somebody();
  EXPECT_EQ(ask({{"do", "scrub"}}).error().code(), Errc::in_progress);
  EXPECT_EQ(answer({{"do", "pause"}})["state"], "paused");
  EXPECT_EQ(answer({{"do", "job"}})["state"], "paused");
  EXPECT_EQ(answer({{"do", "resume"}})["state"], "running");
  EXPECT_EQ(answer({{"do", "cancel"}})["job"], "optimization");
  files_->set_open(true);
  wait_for_the_job();
  const Json last = answer({{"do", "status"}})["last_optimization"];
  EXPECT_EQ(last["result_name"], "cancelled");
  EXPECT_EQ(last["optimized_files"], 1) << "what was begun is finished";
  EXPECT_TRUE(answer({{"do", "status"}})["in_policy_files_count"].is_null());
}

TEST_F(VolumeSessionTest, RefusesJobsOfADisabledVolumeAndKeepsWhatTheyDid) {
  answer({{"do", "optimize"}});
  EXPECT_EQ(answer({{"do", "disable"}})["enabled"], false);
  EXPECT_EQ(ask({{"do", "optimize"}}).error().code(), Errc::wrong_state);
  const Json status = answer({{"do", "status"}});
  EXPECT_EQ(status["enabled"], false);
  EXPECT_EQ(status["last_optimization"]["optimized_files"], 3);
  answer({{"do", "enable"}});
  EXPECT_EQ(answer({{"do", "optimize"}})["already_optimized"], 3);
}

TEST_F(VolumeSessionTest, InspectsWhatTheStoreConsistsOf) {
  answer({{"do", "optimize"}});
  Json seen = answer({{"do", "inspect"}});
  EXPECT_TRUE(seen["data_store_uncompacted_free_space"].is_null());
  EXPECT_TRUE(seen["corruption_log_entry_count"].is_null());
  answer({{"do", "gc"}, {"full", true}});  // which seals what it was appended to
  answer({{"do", "scrub"}});
  seen = answer({{"do", "inspect"}});
  EXPECT_EQ(seen["data_store_uncompacted_free_space"], 0);
  EXPECT_EQ(seen["corruption_log_entry_count"], 0);
  EXPECT_EQ(seen["sealed"]["stream_map_chunk_count"], 3);
  EXPECT_GE(seen["sealed"]["stream_map_average_chunk_count"], 1);
  EXPECT_GE(seen["sealed"]["stream_map_max_chunk_count"],
            seen["sealed"]["stream_map_median_chunk_count"]);
  EXPECT_GE(seen["sealed"]["data_chunk_average_size"], 30'000);
}

// Snapshots of btrfs lie on their volume, with records that whoever made them reads past the view.
TEST_F(VolumeSessionTest, LeavesWhatBelongsToSnapshotsAlone) {
  const std::string folder = "/proc/self/fd/" + std::to_string(volume_->root()) + "/.stillframe";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/record") << std::string(100'000, 'r');
  EXPECT_EQ(answer({{"do", "optimize"}})["optimized_files"], 3);
  EXPECT_EQ(answer({{"do", "settle"}})["settled"], true);
}

TEST_F(VolumeSessionTest, RefusesWhatIsNoQuestion) {
  for (const Json& question : {Json(), Json::array(), Json{{"do", 1}}, Json{{"do", "melt"}}}) {
    EXPECT_EQ(ask(question).error().code(), Errc::invalid_argument) << question;
  }
}

TEST_F(VolumeSessionTest, AnswersThroughItsSocketAndEndsAJobThatNobodyWaitsFor) {
  const auto path = control_socket_path(fs_->scratch(), fs_->device());
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(ControlClient::connect(path.value()).error().code(), Errc::disconnected);
  const auto server = ControlServer::start(path.value(), *session_);
  ASSERT_TRUE(server.ok()) << server.error().what();
  auto client = ControlClient::connect(path.value());
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client.value().peer(), ::getpid());
  EXPECT_EQ(client.value().ask({{"do", "scrub"}}, {}).value()["job"], "scrubbing");
  auto wrong = ControlClient::connect(path.value());
  EXPECT_EQ(wrong.value().ask({{"do", "melt"}}, {}).error().code(), Errc::invalid_argument);

  files_->set_open(false);
  {
    auto gone = ControlClient::connect(path.value());
    std::atomic<int> told{0};
    std::thread asks([&] {
      (void)gone.value().ask({{"do", "optimize"}}, [&](const Json&) { ++told; });
    });
    files_->wait_for_somebody();
    while (told == 0) std::this_thread::yield();
    gone.value().hang_up();
    asks.join();
  }
  // Which the server finds out when it tells the next time.
  while (answer({{"do", "job"}})["state"] != "cancelling") std::this_thread::yield();
  files_->set_open(true);
  wait_for_the_job();
  EXPECT_EQ(answer({{"do", "status"}})["last_optimization"]["result_name"], "cancelled");
}

// Somebody who has the volume for a job without this session, such as another version of it.
TEST_F(VolumeSessionTest, AJobThatIsKeptOutLeavesTheRecordOfTheLastOne) {
  answer({{"do", "optimize"}});
  {
    const auto held = FileLock::take(volume_->own_folder() + "/" + kJobLockFileName, "the test");
    ASSERT_TRUE(held.ok()) << held.error().what();
    for (const char* job : {"optimize", "gc", "scrub", "unoptimize"}) {
      const Json refused = answer({{"do", job}});
      EXPECT_EQ(refused["result_name"], "in_progress") << job;
    }
  }
  const Json status = answer({{"do", "status"}});
  EXPECT_EQ(status["last_optimization"]["result_name"], "ok");
  EXPECT_EQ(status["last_optimization"]["optimized_files"], 3);
  EXPECT_TRUE(status["last_garbage_collection"].is_null());
  EXPECT_TRUE(status["last_scrubbing"].is_null());
  EXPECT_TRUE(status["last_unoptimization"].is_null());
}

TEST_F(VolumeSessionTest, TellsOfJobsAndWhatTheyFind) {
  answer({{"do", "optimize"}});
  ASSERT_EQ(told(), (std::vector<int>{6000, 6001}));
  EventRecord last = events_.events().back();
  EXPECT_EQ(last.source, "dedup");
  EXPECT_EQ(last.level, EventLevel::info);
  EXPECT_EQ(last.fields["volume"], fs_->device());
  EXPECT_EQ(last.fields["job"], "optimization");
  EXPECT_EQ(last.fields["optimized_files"], "3");
  EXPECT_EQ(last.fields["optimized_bytes"], "300000");
  EXPECT_TRUE(last.fields.count("duration_ms"));
  const BytePath container =
      volume_->own_folder() + "/" + kStoreFolder + "/containers/00000001.00000001";
  const auto size = std::filesystem::file_size(container);
  std::filesystem::resize_file(container, size / 2);
  std::filesystem::resize_file(container, size);
  answer({{"do", "scrub"}, {"full", true}});
  const auto all = events_.events();
  EXPECT_EQ(all.back().id, 6001);
  EXPECT_EQ(all.back().level, EventLevel::warning);
  std::set<std::string> lost;
  int damaged = 0;
  for (EventRecord event : all) {
    if (event.id == 6010) ++damaged;
    if (event.id == 6011) {
      EXPECT_EQ(event.level, EventLevel::error);
      lost.insert(event.fields["file"]);
      EXPECT_GT(std::stoull(event.fields["lost_bytes"]), 0u);
    }
  }
  EXPECT_GT(damaged, 0);
  EXPECT_FALSE(lost.empty());
  for (const std::string& name : lost) EXPECT_EQ(name.substr(0, 4), "file");
}

TEST_F(VolumeSessionTest, TellsOfJobsThatFailAndThatAreCancelled) {
  const Json failed = answer({{"do", "optimize"}, {"limits", {{"memory_bytes", 1}}}});
  EXPECT_EQ(failed["result_name"], "out_of_resources");
  ASSERT_EQ(told(), (std::vector<int>{6000, 6002}));
  EXPECT_EQ(events_.events().back().level, EventLevel::error);
  EXPECT_EQ(events_.events().back().fields.at("failure"), "out_of_resources");
  files_->set_open(false);
  answer({{"do", "optimize"}, {"background", true}});
  files_->wait_for_somebody();
  EXPECT_EQ(answer({{"do", "cancel"}})["state"], "cancelling");
  files_->set_open(true);
  wait_for_the_job();
  session_.reset();  // and with it the job's thread
  EXPECT_EQ(told(), (std::vector<int>{6000, 6002, 6000, 6003}));
}

TEST_F(VolumeSessionTest, LimitsAreThoseOfTheVolumeUnlessTheQuestionHasOthers) {
  EXPECT_EQ(answer({{"do", "status"}})["limits"]["cpu_percent"], 0);
  files_->set_open(false);
  const Json limits{{"cpu_percent", 50}, {"bytes_per_second", 1'000'000'000}};
  const Json job = answer({{"do", "optimize"}, {"background", true}, {"limits", limits}});
  EXPECT_EQ(job["limits"]["cpu_percent"], 50);
  EXPECT_EQ(job["limits"]["bytes_per_second"], 1'000'000'000);
  EXPECT_EQ(job["limits"]["memory_bytes"], 0);
  files_->set_open(true);
  wait_for_the_job();
  for (const Json& wrong : {Json(3), Json{{"cpu_percent", 101}}, Json{{"cpu_percent", -1}},
                            Json{{"speed", 1}}, Json{{"memory_bytes", "1"}}}) {
    EXPECT_EQ(ask({{"do", "optimize"}, {"limits", wrong}}).error().code(), Errc::invalid_argument)
        << wrong;
  }
}

TEST_F(VolumeSessionTest, IsOpenedByOneProcessOnlyAndNotWhereItIsMounted) {
  EXPECT_EQ(VolumeOnDevice::open(fs_->device()).error().code(), Errc::in_progress);
  session_.reset();
  files_.reset();
  volume_.reset();
  ASSERT_TRUE(fs_->mount());
  EXPECT_EQ(VolumeOnDevice::open(fs_->device()).error().code(), Errc::in_use);
  EXPECT_EQ(
      VolumeOnDevice::enable(fs_->device(), {}, chunkstore::ChunkProfile::kib64).error().code(),
      Errc::in_use);
}

TEST_F(VolumeSessionTest, EnablingAgainChangesThePolicyAndKeepsTheStore) {
  answer({{"do", "optimize"}});
  const UuidBytes id = volume_->settings().store;
  session_.reset();
  files_.reset();
  volume_.reset();
  VolumeSettings other;
  other.policy.bytes_min = 1;
  const auto another =
      VolumeOnDevice::enable(fs_->device(), other, chunkstore::ChunkProfile::kib16);
  ASSERT_FALSE(another.ok());
  EXPECT_EQ(another.error().code(), Errc::wrong_state);
  const auto again = VolumeOnDevice::enable(fs_->device(), other, chunkstore::ChunkProfile::kib64);
  ASSERT_TRUE(again.ok()) << again.error().what();
  const auto without = VolumeOnDevice::enable(fs_->device(), {}, {});
  ASSERT_TRUE(without.ok()) << without.error().what();
  open();
  EXPECT_EQ(volume_->settings().store, id);
  EXPECT_EQ(volume_->settings().policy.bytes_min, 1u);
  EXPECT_EQ(volume_->parts().table.files().size(), 3u);
}

// It is no reason to keep anybody from the files.
TEST_F(VolumeSessionTest, ADamagedHistoryIsSaidAndWrittenAnew) {
  std::ofstream(volume_->own_folder() + "/" + kHistoryFileName) << "[optimization\n";
  open();
  EXPECT_TRUE(answer({{"do", "status"}})["history_trouble"].is_string());
  answer({{"do", "optimize"}});
  EXPECT_TRUE(answer({{"do", "status"}})["history_trouble"].is_null());
  open();
  EXPECT_TRUE(answer({{"do", "status"}})["history_trouble"].is_null());
}

}  // namespace
}  // namespace stillframe::dedup

// What is asked of a volume that is open, here and through its socket.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

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
    session_ = std::make_unique<VolumeSession>(*volume_, *files_, "");
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
  // Until the server has seen it, which it does when it tells the next time.
  const auto cancelled = [&] {
    files_->set_open(true);
    wait_for_the_job();
    return answer({{"do", "status"}})["last_optimization"]["result_name"] == "cancelled";
  };
  std::this_thread::sleep_for(3 * VolumeSession::kTellEvery);
  EXPECT_TRUE(cancelled());
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

// dedupctl as a program, on real file systems.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include "framework/io/mounts.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/tool/run_dedupctl.hpp"
#include "writers/dedup/tool/volume_target.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup::tool {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::LoopFs;
using stillframe::tests::TemporaryDirectory;
using stillframe::tool::Exit;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct Answer {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out, nullptr, false); }
};

Answer run_program_of(const TemporaryDirectory& scratch, const std::vector<std::string>& words) {
  const std::string program = fs::read_symlink("/proc/self/exe").parent_path() / "dedupctl";
  const std::string out = scratch.path() + "/out", err = scratch.path() + "/err";
  std::vector<std::string> command{
      "/bin/sh", "-c",   "out=$1 err=$2; shift 2; \"$@\" >\"$out\" 2>\"$err\"", "sh", out,
      err,       program};
  command.insert(command.end(), words.begin(), words.end());
  Answer answer;
  answer.code = stillframe::tests::run_program(command);
  answer.out = text_of(out);
  answer.err = text_of(err);
  return answer;
}

int code_of(Exit exit) {
  return static_cast<int>(exit);
}

TEST(DedupctlWords, EveryVerbExplainsItselfWithExamplesAndHasAPageOfTheManual) {
  const TemporaryDirectory scratch;
  const CommandHelp help = stillframe::tool::help_of(dedupctl());
  EXPECT_EQ(help.section, 8);
  const std::string bash = run_program_of(scratch, {"completion", "bash"}).out;
  for (const VerbHelp& verb : help.verbs) {
    EXPECT_FALSE(manual_page(help, verb.name).empty()) << verb.name;
    if (verb.name.empty() || verb.name == "completion") continue;
    const Answer answer = run_program_of(scratch, {verb.name, "--help"});
    EXPECT_EQ(answer.code, 0) << verb.name;
    EXPECT_NE(answer.out.find("Examples:\n  dedupctl " + verb.name), std::string::npos)
        << verb.name;
    EXPECT_NE(bash.find("' " + verb.name + "')"), std::string::npos) << verb.name;
  }
}

TEST(DedupctlWords, WrongUsageIsToldFromOtherFailures) {
  const TemporaryDirectory scratch;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"melt"},
                                             {"optimize"},
                                             {"enable", "--usage", "odd", "/x"},
                                             {"enable", "--cpu-percent", "101", "/x"},
                                             {"optimize", "--io-rate", "fast", "/x"},
                                             {"job", "--pause", "--cancel", "/x"}}) {
    EXPECT_EQ(run_program_of(scratch, words).code, code_of(Exit::usage));
  }
  const Answer before = run_program_of(scratch, {"--json", "status", "/nowhere"});
  const Answer after = run_program_of(scratch, {"status", "--json", "/nowhere"});
  EXPECT_EQ(before.code, code_of(Exit::not_found));
  EXPECT_EQ(before.json()["error"], "not_found");
  EXPECT_EQ(before.out, after.out);
}

TEST(DedupctlMeasure, CountsWhatIsThereTwiceOnce) {
  const TemporaryDirectory scratch;
  const std::string folder = scratch.path() + "/tree";
  fs::create_directory(folder);
  for (const char* name : {"a", "b"}) {
    std::ofstream(folder + "/" + name, std::ios::binary) << random_text(500'000, 1);
  }
  std::ofstream(folder + "/c.tmp", std::ios::binary) << random_text(100'000, 2);
  const Answer answer =
      run_program_of(scratch, {"measure", "--json", "--exclude-file", "*.tmp", folder});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const Json found = answer.json();
  EXPECT_EQ(found["files"], 2);
  EXPECT_EQ(found["bytes"], 1'000'000);
  EXPECT_EQ(found["optimized_size_uncompressed"], 500'000);
  EXPECT_EQ(found["savings_percent_uncompressed"], 50.0);
  EXPECT_EQ(found["files_with_duplicates"], 1);
  EXPECT_EQ(found["excluded_by_policy_files"], 1);
}

class Dedupctl : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    if (!fs::exists("/dev/fuse")) GTEST_SKIP() << "no /dev/fuse";
    fs_ = LoopFs::make(GetParam(), reason);
    if (!fs_) GTEST_SKIP() << reason;
    ASSERT_TRUE(fs_->unmount());
    ::setenv("STILLFRAME_DEDUP_RUN", (scratch_.path() + "/run").c_str(), 1);
    place_ = scratch_.path() + "/view";
    fs::create_directory(place_);
  }
  void TearDown() override {
    if (!fs_) return;
    (void)run({"unmount", place_});
    ::unsetenv("STILLFRAME_DEDUP_RUN");
  }

  Answer run(const std::vector<std::string>& words) { return run_program_of(scratch_, words); }
  Json ok(std::vector<std::string> words) {
    words.insert(words.begin(), "--json");
    const Answer answer = run(words);
    EXPECT_EQ(answer.code, 0) << words[1] << ": " << answer.out << answer.err;
    return answer.json();
  }
  void enable_and_mount() {
    ok({"enable", "--age-min-days", "0", "--exclude-file", "*.tmp", fs_->device()});
    ok({"mount", fs_->device(), place_});
  }
  // The kernel says some time after its last close that a file is not written to any more.
  void write(const std::string& name, const std::string& text) {
    std::ofstream(place_ + "/" + name, std::ios::binary) << text;
  }
  Json optimize(std::uint64_t files) {
    Json outcome;
    std::uint64_t optimized = 0;
    for (int tries = 0; tries < 100 && optimized < files; ++tries) {
      outcome = ok({"optimize", place_});
      optimized += outcome.value("optimized_files", std::uint64_t{0});
    }
    EXPECT_EQ(optimized, files);
    return outcome;
  }

  // The marked file of the volume, which is mounted itself, as a plain restore puts it into `to`.
  // False: attributes of that kind cannot be there.
  bool put_marked(const std::string& name, const std::string& to, std::size_t bytes) {
    std::string mark(kStubBytes, '\0');
    const std::string from = fs_->mount_point() + "/" + name;
    EXPECT_EQ(::getxattr(from.c_str(), kStubAttribute, mark.data(), mark.size()),
              static_cast<ssize_t>(mark.size()));
    fs::create_directories(to);
    const std::string file = to + "/" + name;
    std::ofstream(file).close();
    fs::resize_file(file, bytes);
    return ::setxattr(file.c_str(), kStubAttribute, mark.data(), mark.size(), 0) == 0;
  }

  TemporaryDirectory scratch_;
  std::unique_ptr<LoopFs> fs_;
  std::string place_;
};

INSTANTIATE_TEST_SUITE_P(On, Dedupctl, ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(Dedupctl, ShowsTheFilesOfASnapshotToBeRead) {
  enable_and_mount();
  const std::string text = random_text(300'000, 4);
  write("a", text);
  optimize(1);
  ok({"unmount", place_});
  EXPECT_EQ(run({"mount", "--read-only", scratch_.path(), place_}).code, code_of(Exit::not_found));
  ASSERT_TRUE(fs_->mount());  // stands for a snapshot
  ok({"mount", "--read-only", fs_->mount_point(), place_});
  EXPECT_EQ(text_of(place_ + "/a"), text);
  EXPECT_FALSE(std::ofstream(place_ + "/a", std::ios::app).is_open());
  EXPECT_EQ(run({"status", place_}).code == 0, false) << "nobody is there to ask";
  ok({"unmount", place_});
  EXPECT_FALSE(fs::exists(place_ + "/a"));
}

TEST_P(Dedupctl, TakesAVolumeThroughItsLife) {
  enable_and_mount();
  const std::string text = random_text(1'000'000, 1);
  write("a", text);
  write("b", text);
  write("c.tmp", text);
  optimize(2);
  const Json status = ok({"status", place_});
  for (const char* field :
       {"volume", "volume_id", "enabled", "data_access_enabled", "usage", "capacity", "free_space",
        "used_space", "unoptimized_size", "saved_space", "savings_rate", "optimized_files_count",
        "optimized_files_size", "optimized_files_savings_rate", "in_policy_files_count",
        "in_policy_files_size", "last_optimization", "last_garbage_collection", "last_scrubbing"}) {
    EXPECT_TRUE(status.contains(field)) << field;
  }
  EXPECT_EQ(status["optimized_files_size"], 2'000'000);
  EXPECT_GT(status["saved_space"], 800'000);
  const Json stored = ok({"measure", "--stored", place_ + "/a"});
  EXPECT_EQ(stored["dedup_size"], 1'000'000);
  EXPECT_EQ(stored["dedup_distinct_size"], 0) << "b has the same";
  EXPECT_EQ(run({"measure", "--stored", scratch_.path()}).code, code_of(Exit::not_found));
  fs::remove(place_ + "/a");
  EXPECT_EQ(text_of(place_ + "/b"), text);
  ok({"gc", "--full", place_});
  EXPECT_EQ(ok({"scrub", "--deep", place_})["damaged_files"], 0);
  EXPECT_GT(ok({"inspect", place_})["sealed"]["data_chunk_count"], 0);
  EXPECT_TRUE(ok({"job", place_})["job"].is_null());
  ok({"disable", place_});
  EXPECT_EQ(run({"optimize", place_}).code, code_of(Exit::wrong_state));
  ok({"enable", place_});
  ok({"unmount", place_});
  EXPECT_FALSE(fs::exists(place_ + "/b"));
  EXPECT_EQ(ok({"status", fs_->device()})["last_scrubbing"]["deep"], 1);
  EXPECT_EQ(ok({"unoptimize", fs_->device()})["restored_files"], 1);
  ASSERT_TRUE(fs_->mount());
  EXPECT_EQ(text_of(fs_->mount_point() + "/b"), text);
  ASSERT_TRUE(fs_->unmount());
}

TEST_P(Dedupctl, TellsWhatIsInTheWay) {
  EXPECT_EQ(run({"status", fs_->device()}).code, code_of(Exit::not_found));
  EXPECT_EQ(run({"mount", fs_->device(), place_}).code, code_of(Exit::not_found));
  ASSERT_TRUE(fs_->mount());
  EXPECT_EQ(run({"enable", fs_->device()}).code, code_of(Exit::busy));
  ASSERT_TRUE(fs_->unmount());
  enable_and_mount();
  EXPECT_EQ(run({"mount", fs_->device(), place_}).code, code_of(Exit::busy));
  EXPECT_EQ(run({"enable", "--usage", "backup", place_}).code, code_of(Exit::wrong_state));
  {
    write("open", "x");
    const std::ifstream open(place_ + "/open");
    const Answer busy = run({"unmount", place_});
    EXPECT_EQ(busy.code, code_of(Exit::busy));
    EXPECT_NE(busy.err.find("dedup_tool_test"), std::string::npos) << busy.err;
  }
  ok({"unmount", place_});
  EXPECT_EQ(run({"unmount", fs_->device()}).code, code_of(Exit::not_found));
  EXPECT_EQ(run({"job", fs_->device()}).code, code_of(Exit::wrong_state));
}

TEST_P(Dedupctl, JobsHaveTheLimitsOfTheVolumeOrTheirOwn) {
  ok({"enable", "--age-min-days", "0", "--io-rate", "20M", "--memory-max", "1G", fs_->device()});
  ok({"mount", fs_->device(), place_});
  const Json limits = ok({"status", place_})["limits"];
  EXPECT_EQ(limits["bytes_per_second"], 20 << 20);
  EXPECT_EQ(limits["cpu_percent"], 0);
  EXPECT_EQ(limits["memory_bytes"], 1 << 30);
  write("a", random_text(200'000, 5));
  const Answer refused = run({"--json", "optimize", "--memory-max", "1", place_});
  EXPECT_EQ(refused.json()["result_name"], "out_of_resources") << refused.out << refused.err;
  optimize(1);
}

// The second one is there before the first has ended, and waits instead of being refused.
TEST_P(Dedupctl, AJobMayWaitForAnotherOne) {
  enable_and_mount();
  write("a", random_text(200'000, 6));
  optimize(1);
  ok({"scrub", "--deep", "--io-rate", "100", "--background", place_});
  EXPECT_EQ(run({"gc", place_}).code, code_of(Exit::busy));
  std::thread waits([this] {
    const TemporaryDirectory scratch;
    const Answer answer = run_program_of(scratch, {"--json", "gc", "--wait", "5", place_});
    EXPECT_EQ(answer.code, 0) << answer.out << answer.err;
    EXPECT_EQ(answer.json()["job"], "garbage_collection");
  });
  ok({"job", "--cancel", place_});
  waits.join();
  EXPECT_EQ(ok({"status", place_})["last_scrubbing"]["result_name"], "cancelled");
}

TEST_P(Dedupctl, MountsAgainWhatAKilledProcessHad) {
  enable_and_mount();
  const std::string text = random_text(200'000, 3);
  write("a", text);
  optimize(1);
  const auto target = VolumeTarget::find(place_);
  ASSERT_TRUE(target.ok());
  auto client = target.value().connect();
  ASSERT_TRUE(client.ok());
  ASSERT_EQ(::kill(client.value().peer(), SIGKILL), 0);
  while (client.value().ask(Json{{"do", "job"}}, {}).ok()) {
  }
  Answer again;
  // It has the volume until the kernel has done with it.
  for (int tries = 0; tries < 100 && again.code != 0; ++tries) {
    again = run({"mount", fs_->device(), place_});
  }
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(text_of(place_ + "/a"), text);
}

TEST_P(Dedupctl, RestoresAMarkedFileFromACopyOfTheVolume) {
  enable_and_mount();
  const std::string text = random_text(200'000, 4);
  write("a", text);
  optimize(1);
  ok({"unmount", place_});
  ASSERT_TRUE(fs_->mount("ro"));
  const std::string to = scratch_.path() + "/to";
  if (!put_marked("a", to, text.size())) GTEST_SKIP() << "no trusted attributes in " << to;
  const Json done = ok({"restore", "--from", fs_->mount_point(), "--to", to, "a"});
  EXPECT_EQ(done["files"][0]["became"], "restored");
  EXPECT_EQ(done["restored_bytes"], text.size());
  EXPECT_GE(done["container_bytes_read"], text.size());
  EXPECT_LT(done["container_bytes_read"], text.size() * 105 / 100);
  EXPECT_EQ(text_of(to + "/a"), text);
  const Answer none = run({"restore", "--from", fs_->mount_point(), "--to", to, "absent"});
  EXPECT_EQ(none.code, code_of(Exit::partial));
  ASSERT_TRUE(fs_->unmount());
}

TEST_P(Dedupctl, EncryptsAVolumeAndRestoresFromItsCopyWithTheKeyFile) {
  const std::string key = scratch_.path() + "/key", next = scratch_.path() + "/next";
  for (const std::string& file : {key, next}) {
    std::ofstream(file) << std::string(32, file.back());
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_EQ(run({"enable", "--encrypt", fs_->device()}).code, code_of(Exit::usage));
  ok({"enable", "--age-min-days", "0", "--encrypt", "--key-file", key, fs_->device()});
  ok({"mount", fs_->device(), place_});
  const std::string text = random_text(200'000, 7);
  write("a", text);
  optimize(1);
  EXPECT_EQ(text_of(place_ + "/a"), text);
  const Json status = ok({"status", place_});
  EXPECT_EQ(status["encrypted"], true);
  EXPECT_EQ(status["key_file"], fs::canonical(key).string());
  EXPECT_EQ(ok({"measure", "--stored", place_ + "/a"})["dedup_size"], text.size());
  ok({"unmount", place_});
  ASSERT_TRUE(fs_->mount("ro"));
  EXPECT_EQ(run({"mount", "--read-only", "--key-file", next, fs_->mount_point(), place_}).code,
            code_of(Exit::access_denied));
  ok({"mount", "--read-only", fs_->mount_point(), place_});
  EXPECT_EQ(text_of(place_ + "/a"), text);
  ok({"unmount", place_});
  const std::string to = scratch_.path() + "/to";
  if (put_marked("a", to, text.size())) {
    const std::string from = fs_->mount_point();
    EXPECT_EQ(run({"restore", "--from", from, "--to", to, "a"}).code, code_of(Exit::partial));
    EXPECT_EQ(run({"restore", "--key-file", next, "--from", from, "--to", to, "a"}).code,
              code_of(Exit::partial));
    ok({"restore", "--key-file", key, "--from", from, "--to", to, "a"});
    EXPECT_EQ(text_of(to + "/a"), text);
  }
  ASSERT_TRUE(fs_->unmount());
  ok({"rekey", "--key-file", next, fs_->device()});
  EXPECT_EQ(run({"mount", "--key-file", key, fs_->device(), place_}).code,
            code_of(Exit::access_denied));
  ok({"mount", fs_->device(), place_});
  EXPECT_EQ(text_of(place_ + "/a"), text);
}

}  // namespace
}  // namespace stillframe::dedup::tool

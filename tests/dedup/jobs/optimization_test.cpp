#include <thread>

#include "tests/dedup/jobs/job_fixture.hpp"

namespace stillframe::dedup {
namespace {

using tests::Blob;

class OptimizationJob : public tests::JobTest {};

TEST_F(OptimizationJob, TakesWhatThePolicyWantsAndKeepsContentAndTimes) {
  const Blob big = make("a/big", 300'000);
  put("b/same", big);
  make("small", 1000);
  make("young", 100'000);
  ASSERT_EQ(::utimensat(AT_FDCWD, path("young").c_str(), nullptr, 0), 0);
  make("skip/inside", 100'000);
  make("x.tmp", 100'000);
  OptimizationOptions wanted = options();
  wanted.now_ns = std::int64_t{status_of("young").st_mtim.tv_sec + 1} * 1'000'000'000;
  wanted.policy.excluded_folders = {"skip"};
  wanted.policy.excluded_files = {"*.tmp"};
  std::uint64_t told = 0;
  wanted.progress = [&](const OptimizationReport& now) { told = now.optimized; };
  JobControl control;
  const auto report = optimize_volume(volume(), wanted, control);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.failures.count(), 0u);
  EXPECT_EQ(report.files, 5u);
  EXPECT_EQ(report.optimized, 2u);
  EXPECT_EQ(report.optimized_bytes, 600'000u);
  EXPECT_EQ(report.new_bytes, 300'000u);
  EXPECT_EQ(report.saved_bytes(), 300'000u);
  EXPECT_EQ(report.too_small, 1u);
  EXPECT_EQ(report.too_young, 1u);
  EXPECT_EQ(report.excluded, 1u);
  EXPECT_EQ(told, 2u);
  EXPECT_TRUE(is_marked("a/big"));
  EXPECT_FALSE(is_marked("skip/inside"));
  EXPECT_EQ(content_of("a/big").value(), big);
  EXPECT_EQ(content_of("b/same").value(), big);
  EXPECT_EQ(status_of("a/big").st_mtim.tv_sec, tests::kOldNs / 1'000'000'000);
  EXPECT_EQ(status_of("a/big").st_mtim.tv_nsec, 7);

  open_volume();
  const auto again = optimize_volume(volume(), wanted, control);
  EXPECT_EQ(again.already_optimized, 2u);
  EXPECT_EQ(again.optimized, 0u);
  EXPECT_EQ(content_of("b/same").value(), big);
}

TEST_F(OptimizationJob, TakesAHardLinkOnceAndFollowsNoSymbolicLink) {
  make("a", 100'000);
  stillframe::tests::TemporaryDirectory outside;
  const std::string target = outside.path() + "/file";
  std::filesystem::copy_file(path("a"), target);
  std::filesystem::create_hard_link(path("a"), path("b"));
  std::filesystem::create_symlink(target, path("link"));
  std::filesystem::create_directory_symlink(outside.path(), path("folder"));
  const auto report = optimize();
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.files, 1u);
  EXPECT_EQ(report.optimized, 1u);
  EXPECT_TRUE(is_marked("b"));
  EXPECT_LT(::getxattr(target.c_str(), kStubAttribute, nullptr, 0), 0);
}

TEST_F(OptimizationJob, LeavesAFileThatIsOpenForWriting) {
  make("a", 100'000);
  make("b", 100'000);
  const auto writer = open_file(path("a"), O_WRONLY);
  const auto reader = open_file(path("b"), O_RDONLY);
  const auto report = optimize();
  EXPECT_EQ(report.in_use, 1u);
  EXPECT_EQ(report.optimized, 1u);
  EXPECT_EQ(report.failures.count(), 0u);
  EXPECT_FALSE(is_marked("a"));
  EXPECT_TRUE(is_marked("b"));
}

TEST_F(OptimizationJob, TakesAgainWhatWasWrittenToSince) {
  Blob bytes = make("a", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  files_->exclusively([&] {
    DedupFile& file = *files_->open("a").value();
    ASSERT_TRUE(file.write(50'000, Blob(10, std::byte{1})).ok());
    ASSERT_TRUE(file.sync().ok());
  });
  std::fill_n(bytes.begin() + 50'000, 10, std::byte{1});
  make_old("a");
  EXPECT_EQ(optimize().optimized, 1u);
  EXPECT_EQ(content_of("a").value(), bytes);
  EXPECT_EQ(optimize().already_optimized, 1u);
}

TEST_F(OptimizationJob, NamesAFileThatFailsAndGoesOn) {
  make("a", 100'000);
  make("b", 100'000);
  ASSERT_EQ(::setxattr(path("a").c_str(), kStubAttribute, "none", 4, 0), 0);
  const auto report = optimize();
  ASSERT_TRUE(report.ended.ok());
  ASSERT_EQ(report.failures.count(), 1u);
  EXPECT_EQ(report.failures.named()[0].path, "a");
  EXPECT_EQ(report.failures.named()[0].why.code(), Errc::corrupt);
  EXPECT_TRUE(is_marked("b"));
}

TEST_F(OptimizationJob, IsRefusedOnADisabledVolumeAndBesideAnother) {
  make("a", 100'000);
  {
    const auto other = begin_job(volume());
    ASSERT_TRUE(other.ok()) << other.error().what();
    EXPECT_EQ(optimize().ended.error().code(), Errc::in_progress);
  }
  ASSERT_TRUE(open_file(own() + "/" + kDisabledFileName, O_CREAT | O_WRONLY, 0600).ok());
  EXPECT_EQ(optimize().ended.error().code(), Errc::wrong_state);
  EXPECT_FALSE(is_marked("a"));
}

TEST_F(OptimizationJob, StopsBetweenBatchesWhenItIsCancelled) {
  for (const char* name : {"a", "b", "c"}) make(name, 100'000);
  JobControl control;
  OptimizationOptions one_each = options();
  one_each.batch_files_max = 1;
  one_each.progress = [&](const OptimizationReport&) { control.cancel(); };
  const auto report = optimize_volume(volume(), one_each, control);
  EXPECT_EQ(report.ended.error().code(), Errc::cancelled);
  EXPECT_EQ(report.optimized, 1u);
  EXPECT_TRUE(is_marked("a"));
  EXPECT_FALSE(is_marked("b"));
}

TEST_F(OptimizationJob, WaitsWhileItIsPaused) {
  for (const char* name : {"a", "b"}) make(name, 100'000);
  JobControl control;
  OptimizationOptions one_each = options();
  one_each.batch_files_max = 1;
  std::thread other;
  bool first_alone = false;
  one_each.progress = [&](const OptimizationReport& now) {
    if (now.optimized != 1) return;
    control.pause();
    other = std::thread([&] {
      first_alone = is_marked("a") && !is_marked("b");
      control.resume();
    });
  };
  const auto report = optimize_volume(volume(), one_each, control);
  other.join();
  EXPECT_TRUE(report.ended.ok());
  EXPECT_TRUE(first_alone);
  EXPECT_EQ(report.optimized, 2u);
}

}  // namespace
}  // namespace stillframe::dedup

#include "writers/dedup/jobs/unoptimization.hpp"

#include "tests/dedup/jobs/job_fixture.hpp"

namespace stillframe::dedup {
namespace {

using tests::Blob;

class UnoptimizationJob : public tests::JobTest {};

TEST_F(UnoptimizationJob, MakesOrdinaryFilesWithTheSameContentAndTimes) {
  const Blob a = make("a", 300'000), b = make("b/c", 100'000);
  make("plain", 10);
  ASSERT_EQ(optimize().optimized, 2u);
  JobControl control;
  const auto report = unoptimize_volume(volume(), {}, control);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.restored, 2u);
  EXPECT_EQ(report.restored_bytes, 400'000u);
  EXPECT_FALSE(is_marked("a"));
  EXPECT_TRUE(open_->table->files().empty());
  EXPECT_EQ(std::filesystem::file_size(path("a")), 300'000u);
  EXPECT_EQ(content_of("a").value(), a);
  EXPECT_EQ(content_of("b/c").value(), b);
  EXPECT_EQ(status_of("a").st_mtim.tv_sec, tests::kOldNs / 1'000'000'000);
}

TEST_F(UnoptimizationJob, EndsBeforeAFileThatWouldNotFit) {
  const Blob bytes = make("a", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  UnoptimizationOptions options;
  options.free_bytes_min = ~std::uint64_t{0};
  JobControl control;
  const auto report = unoptimize_volume(volume(), options, control);
  EXPECT_EQ(report.ended.error().code(), Errc::no_space);
  EXPECT_NE(report.ended.error().what().find("'a'"), std::string::npos);
  EXPECT_TRUE(is_marked("a"));
  EXPECT_EQ(content_of("a").value(), bytes);
}

TEST_F(UnoptimizationJob, NamesAFileThatCannotBeReadAndGoesOn) {
  make("a", 300'000);
  const Blob b = make("b", 300'000);
  ASSERT_EQ(optimize().optimized, 2u);
  ASSERT_EQ(::truncate(path("a").c_str(), 5), 0);  // below the view
  JobControl control;
  const auto report = unoptimize_volume(volume(), {}, control);
  ASSERT_TRUE(report.ended.ok());
  ASSERT_EQ(report.failures.count(), 1u);
  EXPECT_EQ(report.failures.named()[0].path, "a");
  EXPECT_EQ(report.restored, 1u);
  EXPECT_EQ(content_of("b").value(), b);
}

}  // namespace
}  // namespace stillframe::dedup

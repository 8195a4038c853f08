#include "tests/bench/dedup/data_set.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "framework/io/file.hpp"
#include "tests/bench/dedup/peers.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::dedup::bench {
namespace {

using stillframe::tests::TemporaryDirectory;

std::uint64_t bytes_below(const std::string& folder) {
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

std::string write(const DataSetSpec& spec, Generation generation, const TemporaryDirectory& into) {
  const std::string folder = into.path() + (generation == Generation::first ? "/first" : "/second");
  std::filesystem::create_directory(folder);
  const Status written = write_generation(spec, generation, folder);
  EXPECT_TRUE(written.ok()) << written.error().what();
  return folder;
}

TEST(DataSet, AFifthOfTheFilesAndATenthOfTheBlocksChange) {
  const DataSetSpec spec;
  std::uint64_t bytes = 0, edited = 0, large = 0;
  const auto files = tree_files(spec);
  for (const TreeFile& file : files) {
    bytes += file.bytes;
    edited += file.edited ? 1 : 0;
    large += file.bytes >= std::uint64_t{1} << 20 ? 1 : 0;
  }
  const auto count = static_cast<double>(files.size());
  EXPECT_EQ(bytes, spec.bytes / 4);
  EXPECT_GT(files.size(), 1000u);
  EXPECT_NEAR(static_cast<double>(edited) / count, 0.20, 0.03);
  EXPECT_NEAR(static_cast<double>(large) / count, 0.15, 0.03);

  const ImageLayout image = image_layout(spec);
  std::uint64_t next = 0, unused = 0;
  for (const ImageRun& run : image.runs) {
    EXPECT_EQ(run.block, next);
    next += run.blocks;
    unused += run.seed == 0 ? run.blocks : 0;
  }
  EXPECT_EQ(next, image.blocks);
  EXPECT_NEAR(static_cast<double>(unused) / static_cast<double>(image.blocks), 0.25, 0.08);
  std::vector<bool> touched(image.blocks);
  for (const ImageRun& run : image.changes) {
    for (std::uint64_t i = 0; i < run.blocks; ++i) touched.at(run.block + i) = true;
  }
  const auto changed = static_cast<double>(std::count(touched.begin(), touched.end(), true));
  EXPECT_NEAR(changed / static_cast<double>(image.blocks), 0.10, 0.01);
}

TEST(DataSet, IsTheSameEveryTimeAndAnotherForAnotherSeed) {
  const DataSetSpec spec{5, 4'000'000}, other{6, 4'000'000};
  const TreeFile file = tree_files(spec).front();
  EXPECT_EQ(content_of(file, Generation::first), content_of(file, Generation::first));
  EXPECT_NE(file.seed, tree_files(other).front().seed);
  TemporaryDirectory one, two;
  const std::string a = write(spec, Generation::second, one);
  const std::string b = write(spec, Generation::second, two);
  EXPECT_EQ(bytes_below(a), bytes_below(b));
  EXPECT_EQ(read_file(a + "/image.raw", 10'000'000).value(),
            read_file(b + "/image.raw", 10'000'000).value());
  for (const TreeFile& each : tree_files(spec)) {
    const bool same = content_of(each, Generation::first) == content_of(each, Generation::second);
    EXPECT_EQ(same, !each.edited) << each.path;
  }
}

// Of the whole set restic stores a quarter. A smaller one has fewer files and runs, so its share
// depends more on which ones they are.
TEST(DataSet, ResticStoresAQuarterOfIt) {
  TemporaryDirectory folder;
  std::filesystem::create_directory(folder.path() + "/restic");
  const auto restic = make_restic(folder.path() + "/restic");
  if (!restic) GTEST_SKIP() << "restic is not installed";
  const DataSetSpec spec{1, 120'000'000};
  int number = 0;
  for (const Generation each : {Generation::first, Generation::second}) {
    const Cost cost = restic->take(write(spec, each, folder), number++);
    ASSERT_TRUE(cost.good) << cost.said;
  }
  const double stored = static_cast<double>(bytes_below(restic->repository()));
  EXPECT_NEAR(stored / static_cast<double>(spec.bytes), 0.25, 0.04);
}

}  // namespace
}  // namespace stillframe::dedup::bench

#include "writers/dedup/volume/extent_map.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scale.hpp"

namespace stillframe::dedup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kBlock = 4096;

TEST(ExtentMap, NeighboursOfOneSourceAreOneExtent) {
  ExtentMap map(100, Source::store);
  map.set(10, 20, Source::local);
  map.set(30, 10, Source::local);
  map.set(5, 5, Source::local);
  EXPECT_THAT(map.extents(), ElementsAre(Extent{0, 5, Source::store}, Extent{5, 35, Source::local},
                                         Extent{40, 60, Source::store}));
  map.set(0, 100, Source::zero);
  EXPECT_THAT(map.extents(), ElementsAre(Extent{0, 100, Source::zero}));
}

TEST(ExtentMap, WhatComesWithANewSizeIsZerosWhateverWasThereBefore) {
  ExtentMap map(100, Source::store);
  map.resize(40);
  map.resize(80);
  EXPECT_THAT(map.extents(),
              ElementsAre(Extent{0, 40, Source::store}, Extent{40, 40, Source::zero}));
  map.resize(90);
  EXPECT_THAT(map.extents(),
              ElementsAre(Extent{0, 40, Source::store}, Extent{40, 50, Source::zero}));
  map.resize(0);
  EXPECT_THAT(map.extents(), IsEmpty());
  map.resize(7);
  EXPECT_THAT(map.extents(), ElementsAre(Extent{0, 7, Source::zero}));
}

TEST(ExtentMap, ARangeIsCutToWhatWasAskedFor) {
  ExtentMap map(100, Source::store);
  map.set(50, 10, Source::zero);
  EXPECT_THAT(map.extents(45, 10),
              ElementsAre(Extent{45, 5, Source::store}, Extent{50, 5, Source::zero}));
  EXPECT_THAT(map.extents(95, 1000), ElementsAre(Extent{95, 5, Source::store}));
  EXPECT_THAT(map.extents(100, 1), IsEmpty());
  EXPECT_THAT(map.extents(~std::uint64_t{0}, ~std::uint64_t{0}), IsEmpty());
  EXPECT_EQ(map.bytes_from(Source::store), 90u);
}

TEST(ExtentMap, AWriteFillsTheRestOfItsOuterBlocks) {
  ExtentMap map(3 * kBlock + 100, Source::store);
  map.set(kBlock, 10, Source::local);
  map.set(kBlock + 10, 10, Source::zero);
  const BlockWrite plan = map.plan_write(kBlock + 500, kBlock, kBlock);
  EXPECT_EQ(plan.local, (Extent{kBlock, 2 * kBlock, Source::local}));
  EXPECT_THAT(plan.fill_first, ElementsAre(Extent{kBlock + 10, 10, Source::zero},
                                           Extent{kBlock + 20, 480, Source::store},
                                           Extent{2 * kBlock + 500, kBlock - 500, Source::store}));
}

TEST(ExtentMap, AWriteOfWholeBlocksFillsNothing) {
  const ExtentMap map(3 * kBlock, Source::store);
  EXPECT_THAT(map.plan_write(kBlock, kBlock, kBlock).fill_first, IsEmpty());
}

TEST(ExtentMap, TheLastBlockEndsWithTheFile) {
  const ExtentMap map(kBlock + 100, Source::store);
  const BlockWrite plan = map.plan_write(kBlock + 50, 1, kBlock);
  EXPECT_EQ(plan.local, (Extent{kBlock, 100, Source::local}));
  EXPECT_THAT(plan.fill_first, ElementsAre(Extent{kBlock, 50, Source::store},
                                           Extent{kBlock + 51, 49, Source::store}));
}

// A file, as it must read, beside one that is put together as the volume does. Whatever of the file
// itself the map does not speak for is overwritten with something else after every step, as a file
// system may do.
class Model {
 public:
  explicit Model(unsigned seed) : chance_(seed) {
    for (std::uint64_t i = 0; i < 1 + below(6 * kBlock); ++i) stream_.push_back(some_byte());
    file_ = stream_;
    itself_.assign(file_.size(), 0);
    map_ = ExtentMap(file_.size(), Source::store);
  }

  void step() {
    switch (below(4)) {
      case 0:
        return resize(below(8 * kBlock));
      case 1:
        return punch();
      case 2:
        return write();
      default:
        if (below(8) == 0) return optimize();
        return write();
    }
  }

  std::vector<std::uint8_t> read() const {
    std::vector<std::uint8_t> bytes;
    for (const Extent& extent : map_.extents()) append(extent, bytes);
    return bytes;
  }
  const std::vector<std::uint8_t>& expected() const { return file_; }

  void spoil() {
    for (const Extent& extent : map_.extents()) {
      if (extent.source == Source::local) continue;
      for (std::uint64_t i = 0; i < extent.bytes; ++i) itself_[extent.offset + i] = some_byte();
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return chance_() % limit; }
  std::uint8_t some_byte() { return static_cast<std::uint8_t>(1 + below(255)); }

  void append(const Extent& extent, std::vector<std::uint8_t>& to) const {
    for (std::uint64_t at = extent.offset; at < extent.offset + extent.bytes; ++at) {
      to.push_back(extent.source == Source::zero    ? std::uint8_t{0}
                   : extent.source == Source::local ? itself_.at(at)
                                                    : stream_.at(at));
    }
  }

  void resize(std::uint64_t bytes) {
    file_.resize(bytes, 0);
    itself_.resize(bytes, 7);  // not to be trusted
    map_.resize(bytes);
  }

  void punch() {
    if (file_.empty()) return;
    const std::uint64_t offset = below(file_.size()), bytes = below(file_.size() - offset + 1);
    std::fill_n(file_.begin() + static_cast<std::ptrdiff_t>(offset), bytes, 0);
    map_.set(offset, bytes, Source::zero);
  }

  void write() {
    const std::uint64_t offset = below(7 * kBlock), bytes = 1 + below(2 * kBlock);
    if (offset + bytes > file_.size()) resize(offset + bytes);
    const BlockWrite plan = map_.plan_write(offset, bytes, kBlock);
    for (const Extent& extent : plan.fill_first) {
      std::vector<std::uint8_t> filled;
      append(extent, filled);
      std::copy(filled.begin(), filled.end(),
                itself_.begin() + static_cast<std::ptrdiff_t>(extent.offset));
    }
    for (std::uint64_t i = 0; i < bytes; ++i) itself_[offset + i] = file_[offset + i] = some_byte();
    map_.set(plan.local.offset, plan.local.bytes, Source::local);
  }

  void optimize() {
    stream_ = read();
    map_ = ExtentMap(stream_.size(), Source::store);
  }

  std::minstd_rand chance_;
  std::vector<std::uint8_t> file_;    // as it must read
  std::vector<std::uint8_t> stream_;  // what the store has of it
  std::vector<std::uint8_t> itself_;  // what the file system has of it
  ExtentMap map_;
};

TEST(ExtentMapModel, AFileReadsAsWrittenWhateverTheFileSystemKeeps) {
  const auto seeds = static_cast<unsigned>(stillframe::tests::scaled(200));
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    Model model(seed);
    for (int step = 0; step < 60; ++step) {
      model.step();
      model.spoil();
      ASSERT_EQ(model.read(), model.expected()) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace stillframe::dedup

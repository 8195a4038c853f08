#include "framework/chunkstore/chunk_index.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "framework/base/bytes.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

Fingerprint random_fingerprint(std::mt19937_64& random) {
  Fingerprint fingerprint;
  for (std::size_t at = 0; at < fingerprint.size(); at += 8) {
    store_le(reinterpret_cast<std::byte*>(fingerprint.data()) + at, random());
  }
  return fingerprint;
}

TEST(ChunkIndex, NamesEveryContainerThatWasInserted) {
  const std::uint64_t count = stillframe::tests::scaled(200000);
  ChunkIndex index;
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < count; ++i) {
    index.insert(random_fingerprint(random), static_cast<std::uint32_t>(1 + i / 100));
  }
  EXPECT_EQ(index.size(), count);
  random.seed(1);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto found = index.candidates(random_fingerprint(random));
    ASSERT_EQ(std::count(found.begin(), found.end(), 1 + i / 100), 1) << "chunk " << i;
  }
}

TEST(ChunkIndex, HardlyEverNamesAContainerWithoutTheChunk) {
  ChunkIndex index;
  std::mt19937_64 random(2);
  for (int i = 0; i < 200000; ++i) index.insert(random_fingerprint(random), 5);
  std::size_t wrong = 0;
  for (int i = 0; i < 200000; ++i) wrong += index.candidates(random_fingerprint(random)).size();
  EXPECT_LE(wrong, 3u);
}

TEST(ChunkIndex, NamesAllContainersOfAChunkThatIsThereTwice) {
  ChunkIndex index;
  std::mt19937_64 random(3);
  const Fingerprint fingerprint = random_fingerprint(random);
  index.insert(fingerprint, 4);
  index.insert(fingerprint, 9);
  EXPECT_EQ(index.candidates(fingerprint), (std::vector<std::uint32_t>{4, 9}));
}

// Small, so that entries are in each other's way, and beside entries of others all the time.
TEST(ChunkIndex, ForgetsWhatWasRemovedAndNothingElse) {
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ChunkIndex index;
    std::mt19937_64 random(seed);
    std::vector<std::pair<Fingerprint, std::uint32_t>> there, gone;
    for (int i = 0; i < 20000; ++i) {
      if (there.empty() || random() % 5 < 3) {
        Fingerprint fingerprint = random_fingerprint(random);
        fingerprint[0] = static_cast<std::uint8_t>(random() % 4);
        there.emplace_back(fingerprint, static_cast<std::uint32_t>(1 + random() % 9));
        index.insert(there.back().first, there.back().second);
      } else {
        std::swap(there[random() % there.size()], there.back());
        index.remove(there.back().first, there.back().second);
        gone.push_back(there.back());
        there.pop_back();
      }
    }
    EXPECT_EQ(index.size(), there.size());
    for (const auto& [fingerprint, container] : there) {
      EXPECT_EQ(index.candidates(fingerprint), std::vector<std::uint32_t>{container});
    }
    for (const auto& [fingerprint, container] : gone) {
      ASSERT_TRUE(index.candidates(fingerprint).empty());
      index.remove(fingerprint, container);  // changes nothing
    }
    EXPECT_EQ(index.size(), there.size());
  }
}

TEST(ChunkIndex, AnEmptyOneNamesNone) {
  EXPECT_TRUE(ChunkIndex().candidates(Fingerprint{}).empty());
}

TEST(ChunkIndex, TakesLittleMoreThanEightBytesAChunk) {
  const std::uint64_t count = stillframe::tests::scaled(1000000);
  ChunkIndex index;
  std::mt19937_64 random(4);
  for (std::uint64_t i = 0; i < count; ++i) index.insert(random_fingerprint(random), 5);
  EXPECT_LE(index.memory_bytes(), std::max<std::uint64_t>(count * 12, 1 << 18));
}

}  // namespace
}  // namespace stillframe::chunkstore

#include "framework/chunkstore/cut.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/chunkstore/random_bytes.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::scaled;
using tests::Blob;
using tests::mixed_bytes;
using tests::random_bytes;

constexpr ChunkProfile kProfiles[] = {ChunkProfile::kib64, ChunkProfile::kib32,
                                      ChunkProfile::kib16};
constexpr Cutting kCuttings[] = {Cutting::by_content, Cutting::aligned};

struct Found {
  std::uint64_t at;
  std::uint64_t length;
  bool zeros;
  friend bool operator==(const Found&, const Found&) = default;
};

// Collects what a cutter says, and the bytes that it stands for.
struct Collector {
  std::vector<Found> pieces;
  Blob bytes;

  StreamCutter::Sink sink() {
    return [this](std::span<const Piece> found) -> Status {
      for (const Piece& piece : found) {
        EXPECT_NE(piece.bytes.empty(), piece.zeros == 0);
        pieces.push_back({bytes.size(), piece.bytes.size() + piece.zeros, piece.zeros > 0});
        bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
        bytes.resize(bytes.size() + piece.zeros);
      }
      return Ok{};
    };
  }
};

Collector cut_whole(Bytes bytes, ChunkProfile profile, Cutting cutting) {
  Collector collector;
  StreamCutter cutter(profile, cutting, 0, collector.sink());
  EXPECT_TRUE(cutter.write(bytes).ok());
  EXPECT_TRUE(cutter.finish().ok());
  return collector;
}

std::vector<std::size_t> cuts_of(Bytes bytes, ChunkProfile profile, const CutLoops& loops) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = 0; at < bytes.size();) {
    at += find_cut(bytes.subspan(at), profile, loops);
    cuts.push_back(at);
  }
  return cuts;
}

// ---- instruction sets

TEST(CutLoops, EveryInstructionSetCutsAtTheSamePlaces) {
  for (std::uint64_t seed = 1; seed <= scaled(20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Blob bytes = seed % 2 == 0 ? random_bytes(random, 1 << 20) : mixed_bytes(random, 1 << 20);
    for (const ChunkProfile profile : kProfiles) {
      const auto expected = cuts_of(bytes, profile, portable_cut_loops());
      for (const CutLoops* loops : all_cut_loops()) {
        EXPECT_EQ(cuts_of(bytes, profile, *loops), expected) << loops->name;
      }
    }
  }
}

// Thresholds at which almost every place, or one in a few, is found: what a step of vectors gets
// wrong at its edges shows here and not in chunks of 64 KiB.
TEST(CutLoops, EveryInstructionSetFindsTheFirstPlaceFromAnyStart) {
  std::mt19937_64 random(7);
  const Blob bytes = random_bytes(random, 4096);
  for (const CutLoops* loops : all_cut_loops()) {
    for (std::uint64_t i = 0; i < scaled(20000); ++i) {
      const std::size_t at = kCutWindowBytes + random() % 300;
      const std::size_t end = at + random() % 600;
      const auto below = static_cast<std::uint32_t>(random() >> (32 + random() % 16));
      ASSERT_EQ(loops->find(bytes.data(), at, end, below),
                portable_cut_loops().find(bytes.data(), at, end, below))
          << loops->name << " from " << at << " to " << end << " below " << below;
    }
  }
}

TEST(CutLoops, NothingIsReadBehindTheEnd) {
  std::mt19937_64 random(8);
  for (const CutLoops* loops : all_cut_loops()) {
    for (std::size_t length = kCutWindowBytes; length < 300; ++length) {
      const Blob exact = random_bytes(random, length);  // address sanitizer watches its end
      EXPECT_EQ(loops->find(exact.data(), kCutWindowBytes, length, 0), length);
    }
  }
}

// ---- sizes

TEST(FindCut, RealMeansAreThoseOfTheProfiles) {
  std::mt19937_64 random(1);
  const Blob bytes = random_bytes(random, std::size_t{96} << 20);
  for (const ChunkProfile profile : kProfiles) {
    const auto cuts = cuts_of(bytes, profile, cut_loops());
    const double mean = static_cast<double>(bytes.size()) / static_cast<double>(cuts.size());
    const double expected = static_cast<double>(mean_chunk_bytes(profile));
    EXPECT_NEAR(mean / expected, 1.0, 0.04) << "profile of " << expected;
  }
}

TEST(FindCut, ChunksStayWithinTheirLimits) {
  std::mt19937_64 random(2);
  const Blob bytes = mixed_bytes(random, 8 << 20);
  for (const ChunkProfile profile : kProfiles) {
    std::size_t before = 0;
    for (const std::size_t cut : cuts_of(bytes, profile, cut_loops())) {
      EXPECT_LE(cut - before, max_chunk_bytes(profile));
      if (cut < bytes.size()) {
        EXPECT_GE(cut - before, min_chunk_bytes(profile));
      }
      before = cut;
    }
  }
}

// Where no strong place comes in time the best weak one is taken. Without it one chunk in eleven
// would be cut by its length alone, which no longer means anything once a byte was inserted.
TEST(FindCut, HardlyAnyChunkIsCutByItsLengthAlone) {
  std::mt19937_64 random(3);
  const Blob bytes = random_bytes(random, 32 << 20);
  const auto cuts = cuts_of(bytes, ChunkProfile::kib16, cut_loops());
  std::size_t before = 0, full = 0;
  for (const std::size_t cut : cuts) {
    full += cut - before == max_chunk_bytes(ChunkProfile::kib16);
    before = cut;
  }
  EXPECT_LE(full * 200, cuts.size());
}

// ---- streams

TEST(StreamCutter, PiecesTogetherAreTheStream) {
  for (std::uint64_t seed = 1; seed <= scaled(10); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Blob bytes = mixed_bytes(random, random() % (3 << 20));
    for (const ChunkProfile profile : kProfiles) {
      for (const Cutting cutting : kCuttings) {
        EXPECT_TRUE(cut_whole(bytes, profile, cutting).bytes == bytes);
      }
    }
  }
}

TEST(StreamCutter, HowTheStreamArrivesChangesNothing) {
  for (std::uint64_t seed = 1; seed <= scaled(30); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Blob bytes = mixed_bytes(random, 1 + random() % (2 << 20));
    const ChunkProfile profile = kProfiles[random() % 3];
    const Cutting cutting = kCuttings[random() % 2];
    const auto expected = cut_whole(bytes, profile, cutting).pieces;

    Collector collector;
    StreamCutter cutter(profile, cutting, random() % (1 << 20), collector.sink());
    const std::size_t step_max = std::size_t{1} << (8 + random() % 14);
    const std::size_t last_at = random() % 2 == 0 ? bytes.size() : random() % bytes.size();
    std::size_t at = 0;
    while (at < last_at) {
      const Bytes step = Bytes(bytes).subspan(
          at, std::min<std::size_t>(bytes.size() - at, 1 + random() % step_max));
      const bool zero =
          std::all_of(step.begin(), step.end(), [](auto b) { return b == std::byte{0}; });
      ASSERT_TRUE((zero ? cutter.write_zeros(step.size()) : cutter.write(step)).ok());
      at += step.size();
    }
    ASSERT_TRUE(cutter.finish(Bytes(bytes).subspan(at)).ok());
    EXPECT_EQ(collector.pieces, expected);
  }
}

TEST(StreamCutter, ZeroRunsAreElided) {
  std::mt19937_64 random(5);
  for (const ChunkProfile profile : kProfiles) {
    const std::size_t mean = mean_chunk_bytes(profile);
    Blob bytes = random_bytes(random, mean);
    bytes.resize(11 * mean);
    const Blob end = random_bytes(random, mean);
    bytes.insert(bytes.end(), end.begin(), end.end());
    const auto aligned = cut_whole(bytes, profile, Cutting::aligned).pieces;
    EXPECT_EQ(aligned, (std::vector<Found>{
                           {0, mean, false}, {mean, 10 * mean, true}, {11 * mean, mean, false}}));
    std::uint64_t elided = 0;
    for (const Found& piece : cut_whole(bytes, profile, Cutting::by_content).pieces) {
      elided += piece.zeros ? piece.length : 0;
    }
    EXPECT_GE(elided, 8 * mean);
  }
}

TEST(StreamCutter, AHoleOfAnySizeTakesNoTimeAndNoMemory) {
  constexpr std::uint64_t kHole = std::uint64_t{1} << 60;
  for (const Cutting cutting : kCuttings) {
    std::vector<std::pair<std::size_t, std::uint64_t>> found;
    StreamCutter cutter(ChunkProfile::kib64, cutting, 0, [&](std::span<const Piece> pieces) {
      for (const Piece& piece : pieces) found.emplace_back(piece.bytes.size(), piece.zeros);
      return Status(Ok{});
    });
    ASSERT_TRUE(cutter.write_zeros(kHole).ok());
    ASSERT_TRUE(cutter.write(Bytes(Blob(5, std::byte{1}))).ok());
    ASSERT_TRUE(cutter.finish().ok());
    EXPECT_EQ(found, (std::vector<std::pair<std::size_t, std::uint64_t>>{{0, kHole}, {5, 0}}));
  }
}

// What is copied on its way costs as much again as being cut.
TEST(StreamCutter, LargePiecesOneAfterTheOtherAreCutWhereTheyLie) {
  constexpr std::size_t kBatch = 1 << 20;
  std::mt19937_64 random(12);
  const Blob bytes = random_bytes(random, 8 * kBatch);
  std::size_t copied = 0;
  StreamCutter cutter(ChunkProfile::kib16, Cutting::by_content, kBatch,
                      [&](std::span<const Piece> found) -> Status {
                        for (const Piece& piece : found) {
                          const bool there = piece.bytes.data() >= bytes.data() &&
                                             piece.bytes.data() < bytes.data() + bytes.size();
                          copied += there ? 0 : piece.bytes.size();
                        }
                        return Ok{};
                      });
  for (std::size_t at = 0; at < bytes.size(); at += kBatch) {
    ASSERT_TRUE(cutter.write(Bytes(bytes).subspan(at, kBatch)).ok());
  }
  ASSERT_TRUE(cutter.finish().ok());
  // At each border a piece that began in the one and the room it needs to end in the other.
  EXPECT_LT(copied, 8 * 2 * max_chunk_bytes(ChunkProfile::kib16));
}

TEST(StreamCutter, AStreamOfNothingHasNoPieces) {
  for (const Cutting cutting : kCuttings) {
    EXPECT_TRUE(cut_whole({}, ChunkProfile::kib64, cutting).pieces.empty());
  }
}

TEST(StreamCutter, AnErrorOfTheSinkEndsTheStream) {
  std::mt19937_64 random(6);
  const Blob bytes = random_bytes(random, 4 << 20);
  StreamCutter cutter(ChunkProfile::kib64, Cutting::by_content, 0,
                      [](std::span<const Piece>) { return Status(Error(Errc::no_space, "full")); });
  EXPECT_EQ(cutter.write(bytes).error().code(), Errc::no_space);
}

// ---- locality

std::set<std::uint64_t> cuts_from_end(const Blob& bytes, ChunkProfile profile) {
  std::set<std::uint64_t> cuts;
  for (const Found& piece : cut_whole(bytes, profile, Cutting::by_content).pieces) {
    cuts.insert(bytes.size() - piece.at);
  }
  return cuts;
}

// Whatever was inserted, overwritten or removed, cuts before it stay, and those behind it soon are
// the old ones again.
TEST(StreamCutter, AnEditChangesOnlyNearbyCuts) {
  constexpr ChunkProfile kProfile = ChunkProfile::kib16;
  for (std::uint64_t seed = 1; seed <= scaled(20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Blob before = random_bytes(random, 4 << 20);
    const std::size_t at = random() % (2 << 20), removed = random() % 2000;
    const Blob inserted = random_bytes(random, random() % 2000);
    Blob after = before;
    const auto place = after.begin() + static_cast<std::ptrdiff_t>(at);
    after.erase(place, place + static_cast<std::ptrdiff_t>(removed));
    after.insert(after.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());

    const auto old_pieces = cut_whole(before, kProfile, Cutting::by_content).pieces;
    const auto new_pieces = cut_whole(after, kProfile, Cutting::by_content).pieces;
    for (std::size_t i = 0; old_pieces[i].at + old_pieces[i].length < at; ++i) {
      EXPECT_EQ(new_pieces[i], old_pieces[i]);
    }
    // Counted from the end, where both have the same bytes again.
    const auto old_cuts = cuts_from_end(before, kProfile),
               new_cuts = cuts_from_end(after, kProfile);
    const std::uint64_t same_bytes = before.size() - at - removed;
    const std::uint64_t far = same_bytes - 24 * mean_chunk_bytes(kProfile);
    EXPECT_TRUE(std::equal(old_cuts.begin(), old_cuts.lower_bound(far), new_cuts.begin(),
                           new_cuts.lower_bound(far)));
  }
}

}  // namespace
}  // namespace stillframe::chunkstore

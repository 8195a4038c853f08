// Bytes that lie: every parser answers with an error that has a code, or with something sound, and
// takes no more memory than the limits in names.hpp allow.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/container_directory.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/frame.hpp"
#include "framework/chunkstore/stream_map.hpp"
#include "tests/chunkstore/random_bytes.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::scaled;
using tests::Blob;
using tests::random_bytes;

Fingerprint sum_of(Bytes bytes) {
  return sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Blob text(std::size_t bytes) {
  Blob blob(bytes);
  for (std::size_t i = 0; i < bytes; ++i) blob[i] = static_cast<std::byte>('a' + i % 13 * i % 7);
  return blob;
}

Blob frame_of(const std::vector<Blob>& chunks, FramePlace place, Compression how) {
  FrameCodec codec;
  FrameBuilder builder;
  std::uint32_t id = 0;
  for (const Blob& chunk : chunks) {
    builder.add({sum_of(chunk), id, static_cast<std::uint32_t>(chunk.size())}, chunk);
    id += 2;
  }
  const Bytes stored = builder.finish(place, how, codec);
  return {stored.begin(), stored.end()};
}

constexpr FramePlace kPlace{7, 4096};

// Neither kind of damage may pass: a checksum covers every byte.
template <class Parse>
void expect_every_change_refused(const Blob& good, const Parse& parse) {
  for (std::size_t length = 0; length < good.size(); ++length) {
    ASSERT_FALSE(parse(Bytes(good).first(length)).ok()) << "cut to " << length;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Blob bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    ASSERT_FALSE(parse(bad).ok()) << "bit " << bit;
  }
}

// ---- frames

TEST(Frame, ChunksComeBackFromEveryCompression) {
  std::mt19937_64 random(1);
  const std::vector<Blob> chunks = {text(10000), random_bytes(random, 3000), text(1), Blob(5000)};
  for (const Compression how : {Compression::none, Compression::lz4, Compression::zstd}) {
    FrameCodec codec;
    const auto frame = parse_frame(frame_of(chunks, kPlace, how), kPlace, codec);
    ASSERT_TRUE(frame.ok()) << frame.error().what();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto found = frame.value().find(static_cast<std::uint32_t>(2 * i));
      ASSERT_TRUE(found);
      EXPECT_EQ(found->record->fingerprint, sum_of(chunks[i]));
      EXPECT_TRUE(
          std::equal(found->bytes.begin(), found->bytes.end(), chunks[i].begin(), chunks[i].end()));
    }
    EXPECT_FALSE(frame.value().find(1));
  }
}

TEST(Frame, WhatDoesNotShrinkIsStoredAsItIs) {
  std::mt19937_64 random(2);
  for (const Compression how : {Compression::lz4, Compression::zstd}) {
    const auto noise = frame_of({random_bytes(random, 200000)}, kPlace, how);
    EXPECT_EQ(parse_frame_header(noise, kPlace).value().compression, Compression::none);
    const auto words = frame_of({text(200000)}, kPlace, how);
    EXPECT_EQ(parse_frame_header(words, kPlace).value().compression, how);
    EXPECT_LT(words.size(), 100000u);
  }
  // Of 64 values, in no order: nothing repeats, and a quarter can be saved all the same.
  Blob base64 = random_bytes(random, 200000);
  for (std::byte& each : base64) each &= std::byte{63};
  EXPECT_LT(frame_of({base64}, kPlace, Compression::zstd).size(), 155000u);
}

TEST(Frame, EveryChangedBitAndEveryMissingByteIsFound) {
  FrameCodec codec;
  for (const Compression how : {Compression::none, Compression::lz4, Compression::zstd}) {
    expect_every_change_refused(frame_of({text(300), text(40)}, kPlace, how),
                                [&](Bytes bytes) { return parse_frame(bytes, kPlace, codec); });
  }
}

TEST(Frame, AFrameAtAnotherPlaceIsNone) {
  FrameCodec codec;
  const Blob stored = frame_of({text(300)}, kPlace, Compression::zstd);
  EXPECT_TRUE(parse_frame(stored, kPlace, codec).ok());
  for (const FramePlace place : {FramePlace{7, 4097}, FramePlace{8, 4096}}) {
    EXPECT_EQ(parse_frame(stored, place, codec).error().code(), Errc::corrupt);
  }
}

TEST(Frame, PayloadsThatExpandToAnotherSizeAreRefused) {
  FrameCodec codec;
  const Blob bytes = text(1000000);
  Blob room(bytes.size());
  for (const Compression how : {Compression::lz4, Compression::zstd}) {
    const auto found = codec.compress(bytes, how, room);
    ASSERT_EQ(found.how, how);
    const Bytes packed = Bytes(room).first(found.bytes);
    for (const std::size_t size : {std::size_t{1}, bytes.size() - 1, bytes.size() + 1}) {
      EXPECT_EQ(codec.decompress(packed, how, size).error().code(), Errc::corrupt) << size;
    }
    EXPECT_TRUE(codec.decompress(packed, how, bytes.size()).value() == bytes);
  }
}

// ---- containers

struct FooterSample {
  ContainerHeader header{ContainerKind::data, {1, 2, 3}, 7, 1};
  ContainerTable table;
  Blob bytes;
  std::uint64_t offset = 0;

  FooterSample() {
    std::mt19937_64 random(3);
    offset = kContainerHeaderBytes;
    for (std::uint32_t i = 0; i < 3; ++i) {
      table.frames.push_back({static_cast<std::uint32_t>(offset), 500, i * 3, 2});
      offset += 500;
      for (std::uint32_t k = 0; k < 2; ++k) {
        table.chunks.push_back({sum_of(random_bytes(random, 10)), i * 3 + k, 100});
      }
    }
    bytes = format_footer(header, table, offset);
  }
  Result<ContainerTable> parse(Bytes footer) const {
    const auto trailer = parse_trailer(footer, offset + footer.size());
    if (!trailer.ok()) return trailer.error();
    return parse_footer(footer, trailer.value(), header);
  }
};

TEST(ContainerFooter, ComesBackSorted) {
  const FooterSample sample;
  const auto table = sample.parse(sample.bytes).value();
  EXPECT_EQ(table.frames, sample.table.frames);
  EXPECT_EQ(table.chunks, sample.table.chunks);
  EXPECT_EQ(table.frame_of(0), &table.frames[0]);
  EXPECT_EQ(table.frame_of(4), &table.frames[1]);
  EXPECT_EQ(table.frame_of(9000),
            &table.frames[2]);  // whose own table says that it has no such one
  EXPECT_EQ(ContainerTable().frame_of(0), nullptr);
}

TEST(ContainerFooter, EveryChangedBitAndEveryMissingByteIsFound) {
  const FooterSample sample;
  expect_every_change_refused(sample.bytes, [&](Bytes bytes) { return sample.parse(bytes); });
}

TEST(ContainerFooter, TablesThatMakeNoSenseAreRefusedWhateverTheirChecksum) {
  const auto refused = [](auto change) {
    FooterSample sample;
    change(sample);
    sample.bytes = format_footer(sample.header, sample.table, sample.offset);
    return sample.parse(sample.bytes).error().code() == Errc::corrupt;
  };
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.frames[1].offset += 1; }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.frames[1].stored_bytes = 0xffffffff; }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.frames[1].first_local_id = 0; }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.frames[2].chunks = 3; }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.chunks.pop_back(); }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.chunks[0].bytes = 0; }));
  EXPECT_TRUE(refused([](FooterSample& it) { it.table.chunks[0].local_id = kContainerChunksMax; }));
}

TEST(ContainerFooter, AnotherContainersIsRefused) {
  FooterSample sample;
  sample.header.generation = 2;
  EXPECT_EQ(sample.parse(sample.bytes).error().code(), Errc::corrupt);
}

TEST(ContainerHeader, EveryChangedBitIsFound) {
  const auto header = format_container_header({ContainerKind::stream_maps, {9}, 5, 3});
  const Blob good(header.begin(), header.end());
  EXPECT_EQ(parse_container_header(good).value().generation, 3u);
  expect_every_change_refused(good, parse_container_header);
}

TEST(ContainerName, OnlyItsOwnSpellingIsOne) {
  EXPECT_EQ(container_file_name(0x1a, 2), "0000001a.00000002");
  const auto file = parse_container_file_name("0000001a.00000002").value();
  EXPECT_EQ(file.id, 0x1au);
  EXPECT_EQ(file.generation, 2u);
  for (const char* name :
       {"", "0000001A.00000002", "1a.2", "0000001a_00000002", "0000001a.0000000x",
        "0000001a.00000002 ", "+000001a.00000002", "commits"}) {
    EXPECT_EQ(parse_container_file_name(name).error().code(), Errc::not_found) << name;
  }
}

// ---- commit records

TEST(CommitRecord, EveryChangedBitAndEveryMissingByteIsFound) {
  const CommitRecord record{ChunkProfile::kib32, {4}, 12, 9, {7, 5000, 12}, {8, 64, 0}};
  const auto bytes = format_commit_record(record);
  const Blob good(bytes.begin(), bytes.end());
  EXPECT_EQ(parse_commit_record(good).value(), record);
  expect_every_change_refused(good, parse_commit_record);
}

TEST(CommitRecord, ContainersThatWereNeverGivenOutAreRefused) {
  const CommitRecord record{ChunkProfile::kib32, {4}, 12, 9, {9, 5000, 12}, {}};
  EXPECT_EQ(parse_commit_record(format_commit_record(record)).error().code(), Errc::corrupt);
}

// ---- stream maps

StreamMap sample_map() {
  StreamMap map{0, StreamKind::database, Cutting::aligned, ChunkProfile::kib16, {}};
  map.extents = {{{3, 5}, 70000, 0x12345678}, {{}, std::uint64_t{1} << 40, 0}, {{4, 0}, 1, 9}};
  return map;
}

TEST(DirectorySlot, EveryChangedBitAndEveryMissingByteIsFound) {
  const DirectorySlot slot{{7, 2}, 5000, 200};
  const auto bytes = format_directory_slot(slot);
  ASSERT_TRUE(parse_directory_slot(bytes).ok());
  EXPECT_TRUE(parse_directory_slot(bytes).value() == slot);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto changed = bytes;
    changed[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
    EXPECT_FALSE(parse_directory_slot(changed).ok()) << bit;
  }
  EXPECT_FALSE(parse_directory_slot(Bytes(bytes).first(31)).ok());
}

TEST(DirectorySlot, AnEmptyOneIsNoneAndPlacesThatMakeNoSenseAreRefused) {
  const std::array<std::byte, kDirectorySlotBytes> empty{};
  EXPECT_EQ(parse_directory_slot(empty).error().code(), Errc::not_found);
  for (const DirectorySlot& slot :
       {DirectorySlot{{0, 1}, 5000, 200}, DirectorySlot{{kContainerIdMax + 1, 1}, 5000, 200},
        DirectorySlot{{1, 0}, 5000, 200}, DirectorySlot{{1, 1}, 5000, 40},
        DirectorySlot{{1, 1}, 5000, 4937}, DirectorySlot{{1, 1}, 60, 50},
        DirectorySlot{{1, 1}, kContainerFileBytesMax + 1, 5000},
        DirectorySlot{{1, 1}, 200'000'000, kFooterBytesMax + 1}}) {
    EXPECT_EQ(parse_directory_slot(format_directory_slot(slot)).error().code(), Errc::corrupt);
  }
}

TEST(StreamMap, ComesBackAsItWas) {
  EXPECT_EQ(parse_stream_map(format_stream_map(sample_map())).value(), sample_map());
  StreamMap root{1, StreamKind::general, Cutting::by_content, ChunkProfile::kib64, {}};
  root.extents = {{{3, 5}, std::uint64_t{1} << 33, 0}, {{3, 6}, 17, 0}};
  EXPECT_EQ(parse_stream_map(format_stream_map(root)).value(), root);
  EXPECT_EQ(parse_stream_map(format_stream_map(StreamMap{})).value(), StreamMap{});
}

TEST(StreamMap, EntriesThatMakeNoSenseAreRefused) {
  const auto refused = [](auto change) {
    StreamMap map = sample_map();
    change(map);
    return parse_stream_map(format_stream_map(map)).error().code() == Errc::corrupt;
  };
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[0].bytes = kChunkBytesMax + 1; }));
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[0].bytes = 0; }));
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[1].bytes = 0; }));
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[1].tag = 1; }));
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[0].chunk.local_id = 65536; }));
  EXPECT_TRUE(refused([](StreamMap& map) { map.extents[0].chunk.container = 1u << 24; }));
  EXPECT_TRUE(refused([](StreamMap& map) {
    map.extents.push_back({{}, UINT64_MAX - 5, 0});  // together they run over
  }));
  EXPECT_TRUE(refused([](StreamMap& map) {
    map.level = 1;
    map.extents = {{{}, 5, 0}};
  }));
}

// It has no checksum of its own: its frame has. Here it has to be sound, whatever it says.
TEST(StreamMap, AnythingElseIsRefusedOrSound) {
  const Blob good = format_stream_map(sample_map());
  for (std::uint64_t seed = 1; seed <= scaled(20000); ++seed) {
    std::mt19937_64 random(seed);
    Blob bad = good;
    for (auto count = 1 + random() % 3; count-- > 0;) {
      bad[random() % bad.size()] = static_cast<std::byte>(random());
    }
    bad.resize(random() % 4 == 0 ? random() % (bad.size() + 1) : bad.size());
    const auto map = parse_stream_map(bad);
    if (map.ok()) {
      ASSERT_LE(map.value().extents.size(), 3u) << "seed " << seed;
      ASSERT_EQ(parse_stream_map(format_stream_map(map.value())).value(), map.value());
    }
  }
}

}  // namespace
}  // namespace stillframe::chunkstore

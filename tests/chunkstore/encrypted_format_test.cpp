// Encrypted bytes: every change of what is encrypted, also by somebody who puts the checksums
// right.
#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/frame.hpp"
#include "tests/chunkstore/encrypted_samples.hpp"

namespace stillframe::chunkstore {
namespace {

using tests::Blob;
using tests::some_cipher;

// ---- frames

constexpr FramePlace kHere{7, 4096};

Blob text_of(std::size_t bytes) {
  Blob blob(bytes);
  for (std::size_t i = 0; i < bytes; ++i) blob[i] = static_cast<std::byte>('a' + i % 13 * i % 7);
  return blob;
}

Blob encrypted_frame(const std::vector<Blob>& chunks, Compression how,
                     const std::shared_ptr<const StoreCipher>& cipher = some_cipher()) {
  FrameCodec codec(cipher);
  FrameBuilder builder;
  std::uint32_t id = 0;
  for (const Blob& chunk : chunks) {
    const Bytes view(chunk);
    Fingerprint sum;
    stored_fingerprints({&view, 1}, {&sum, 1}, cipher.get());
    builder.add({sum, id, static_cast<std::uint32_t>(chunk.size())}, chunk);
    id += 2;
  }
  const Bytes stored = builder.finish(kHere, how, codec);
  return {stored.begin(), stored.end()};
}

constexpr Compression kWays[] = {Compression::none, Compression::lz4, Compression::zstd};

TEST(EncryptedFrame, ChunksComeBackFromEveryCompression) {
  std::mt19937_64 random(1);
  const std::vector<Blob> chunks = {text_of(10000), tests::random_bytes(random, 3000), text_of(1)};
  for (const Compression how : kWays) {
    FrameCodec codec(some_cipher());
    const auto frame = parse_frame(encrypted_frame(chunks, how), kHere, codec);
    ASSERT_TRUE(frame.ok()) << frame.error().what();
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const auto found = frame.value().find(static_cast<std::uint32_t>(2 * i));
      ASSERT_TRUE(found);
      EXPECT_TRUE(
          std::equal(found->bytes.begin(), found->bytes.end(), chunks[i].begin(), chunks[i].end()));
    }
  }
}

TEST(EncryptedFrame, TheSameIsNeverEncryptedTheSame) {
  EXPECT_NE(encrypted_frame({text_of(300)}, Compression::zstd),
            encrypted_frame({text_of(300)}, Compression::zstd));
}

// With the key every change is found, also with checksums that were put right; without it the
// checksums still find what chance does.
TEST(EncryptedFrame, EveryChangedBitAndEveryMissingByteIsFound) {
  FrameCodec codec(some_cipher());
  for (const Compression how : kWays) {
    const Blob good = encrypted_frame({text_of(300), text_of(40)}, how);
    ASSERT_TRUE(parse_frame(good, kHere, codec).ok());
    for (std::size_t length = 0; length < good.size(); ++length) {
      ASSERT_FALSE(parse_frame(Bytes(good).first(length), kHere, codec).ok()) << length;
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Blob bad = good;
      bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      ASSERT_FALSE(parse_frame(bad, kHere, codec).ok()) << bit;
      ASSERT_FALSE(check_frame(bad, kHere).ok()) << bit;
      const bool is_checksum = bit / 8 >= 16 && bit / 8 < kFrameHeaderBytes;
      if (is_checksum || stated_frame_bytes(bad) != bad.size()) continue;
      seal_frame(bad, kHere);
      ASSERT_FALSE(parse_frame(bad, kHere, codec).ok()) << bit << ", with its checksums right";
    }
  }
}

TEST(EncryptedFrame, WithoutTheKeyOnlyItsChecksumsAreChecked) {
  const Blob stored = encrypted_frame({text_of(300)}, Compression::zstd);
  FrameCodec none, other(some_cipher(2));
  const auto header = check_frame(stored, kHere);
  ASSERT_TRUE(header.ok()) << header.error().what();
  EXPECT_TRUE(header.value().encrypted && header.value().chunks.empty());
  EXPECT_EQ(header.value().stored_bytes(), stored.size());
  EXPECT_EQ(parse_frame(stored, kHere, none).error().code(), Errc::access_denied);
  EXPECT_EQ(parse_frame(stored, kHere, other).error().code(), Errc::corrupt);
}

TEST(EncryptedFrame, OneThatIsNotEncryptedIsRefusedWhereAllAre) {
  FrameCodec plain, codec(some_cipher());
  FrameBuilder builder;
  builder.add({{}, 0, 300}, text_of(300));
  const Bytes stored = builder.finish(kHere, Compression::zstd, plain);
  EXPECT_TRUE(parse_frame(stored, kHere, plain).ok());
  EXPECT_EQ(parse_frame(stored, kHere, codec).error().code(), Errc::corrupt);
}

TEST(EncryptedFrame, BelongsToItsPlaceAndIsMovedWithTheKeyAlone) {
  FrameCodec codec(some_cipher());
  const Blob good = encrypted_frame({text_of(300), text_of(40)}, Compression::zstd);
  for (const FramePlace place : {FramePlace{7, 4097}, FramePlace{8, 4096}}) {
    Blob moved = good;
    seal_frame(moved, place);  // the checksums alone
    EXPECT_EQ(parse_frame(moved, place, codec).error().code(), Errc::corrupt);
    moved = good;
    ASSERT_TRUE(move_frame(moved, kHere, place, codec.cipher()).ok());
    EXPECT_TRUE(parse_frame(moved, place, codec).ok());
    EXPECT_FALSE(parse_frame(moved, kHere, codec).ok());
    // Under another nonce.
    EXPECT_FALSE(std::equal(moved.begin() + static_cast<std::ptrdiff_t>(frame_table_end(2)),
                            moved.begin() + static_cast<std::ptrdiff_t>(frame_table_end(2)) + 8,
                            good.begin() + static_cast<std::ptrdiff_t>(frame_table_end(2))));
  }
}

// ---- footers

struct EncryptedFooterSample {
  ContainerHeader header{ContainerKind::data, {1, 2, 3}, 7, 1};
  ContainerTable table;
  std::uint64_t offset = kContainerHeaderBytes;
  Blob bytes;

  EncryptedFooterSample() {
    table.encrypted = true;
    for (std::uint32_t i = 0; i < 3; ++i) {
      table.frames.push_back({static_cast<std::uint32_t>(offset), 500, i * 3, 2});
      offset += 500;
      for (std::uint32_t k = 0; k < 2; ++k) {
        table.chunks.push_back({{static_cast<std::uint8_t>(9 - i), 5}, i * 3 + k, 100});
      }
    }
    bytes = format_footer(header, table, offset, some_cipher().get());
  }
  Result<ContainerTable> parse(Bytes footer, const StoreCipher* cipher) const {
    const auto trailer = parse_trailer(footer, offset + footer.size());
    if (!trailer.ok()) return trailer.error();
    return parse_footer(footer, trailer.value(), header, cipher);
  }
};

TEST(EncryptedFooter, ComesBackWithTheKeyAndWithoutItHasNoChunks) {
  const EncryptedFooterSample sample;
  EXPECT_EQ(sample.bytes.size(), sample.table.footer_bytes());
  const auto table = sample.parse(sample.bytes, some_cipher().get()).value();
  EXPECT_EQ(table.frames, sample.table.frames);
  EXPECT_EQ(table.chunks, sample.table.chunks);
  const auto without = sample.parse(sample.bytes, nullptr).value();
  EXPECT_EQ(without.frames, sample.table.frames);
  EXPECT_TRUE(without.chunks.empty());
  EXPECT_EQ(sample.parse(sample.bytes, some_cipher(2).get()).error().code(), Errc::corrupt);
}

TEST(EncryptedFooter, EveryChangedBitAndEveryMissingByteIsFound) {
  EncryptedFooterSample sample;
  const auto cipher = some_cipher();
  for (std::size_t length = 0; length < sample.bytes.size(); ++length) {
    ASSERT_FALSE(sample.parse(Bytes(sample.bytes).first(length), cipher.get()).ok()) << length;
  }
  const std::size_t checksum_at = sample.bytes.size() - 8;
  for (std::size_t bit = 0; bit < sample.bytes.size() * 8; ++bit) {
    Blob bad = sample.bytes;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    ASSERT_FALSE(sample.parse(bad, cipher.get()).ok()) << bit;
    ASSERT_FALSE(sample.parse(bad, nullptr).ok()) << bit;
    if (bit / 8 >= checksum_at) continue;
    seal_footer(bad);
    ASSERT_FALSE(sample.parse(bad, cipher.get()).ok()) << bit << ", with its checksum right";
  }
  sample.header.kind = ContainerKind::stream_maps;
  EXPECT_FALSE(sample.parse(sample.bytes, cipher.get()).ok());
}

}  // namespace
}  // namespace stillframe::chunkstore

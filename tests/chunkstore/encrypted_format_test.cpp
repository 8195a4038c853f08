// Encrypted bytes: the cipher against published results, and every change of what is encrypted,
// also by somebody who puts the checksums right.
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/frame.hpp"
#include "framework/io/file.hpp"
#include "tests/chunkstore/encrypted_samples.hpp"

namespace stillframe::chunkstore {
namespace {

using tests::Blob;
using tests::some_cipher;
using tests::some_key;

Bytes as_bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string hex_of(Bytes bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// ---- the cipher

// The test vectors of C2SP's XAES-256-GCM.
TEST(Xaes, GivesWhatTheSpecificationDoes) {
  CipherNonce nonce;
  std::memcpy(nonce.data(), "ABCDEFGHIJKLMNOPQRSTUVWX", nonce.size());
  const Bytes text = as_bytes_of("XAES-256-GCM");
  Blob encrypted(text.size());
  CipherTag tag = Xaes(some_key(1)).encrypt(nonce, {}, text, encrypted);
  EXPECT_EQ(hex_of(encrypted) + hex_of(tag),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  tag = Xaes(some_key(3)).encrypt(nonce, {as_bytes_of("c2sp.org/XAES-256-GCM")}, text, encrypted);
  EXPECT_EQ(hex_of(encrypted) + hex_of(tag),
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

TEST(Xaes, DecryptsWhatItEncryptedAndNothingElse) {
  const Xaes xaes(some_key(9));
  const Blob text(100, std::byte{'x'});
  const Blob with(20, std::byte{'a'});
  const CipherNonce nonce{};
  Blob encrypted(text.size()), opened(text.size());
  const CipherTag tag = xaes.encrypt(nonce, {with}, text, encrypted);
  ASSERT_TRUE(xaes.decrypt(nonce, {with}, tag, encrypted, opened));
  EXPECT_EQ(opened, text);
  // Together they are what is covered, however they are cut.
  EXPECT_TRUE(
      xaes.decrypt(nonce, {Bytes(with).first(7), Bytes(with).subspan(7)}, tag, encrypted, opened));
  EXPECT_FALSE(Xaes(some_key(8)).decrypt(nonce, {with}, tag, encrypted, opened));
  for (std::size_t bit = 0; bit < 8 * encrypted.size(); ++bit) {
    const auto flipped = [&](auto bytes) {
      bytes[bit / 8 % bytes.size()] ^= static_cast<std::byte>(1u << bit % 8);
      return bytes;
    };
    EXPECT_FALSE(xaes.decrypt(nonce, {with}, tag, flipped(encrypted), opened)) << bit;
    EXPECT_FALSE(xaes.decrypt(nonce, {flipped(with)}, tag, encrypted, opened)) << bit;
    EXPECT_FALSE(xaes.decrypt(nonce, {with}, flipped(tag), encrypted, opened)) << bit;
    EXPECT_FALSE(xaes.decrypt(flipped(nonce), {with}, tag, encrypted, opened)) << bit;
  }
}

TEST(Xaes, AGeneratorThatRepeatsItselfGivesOneNonceToTheSameBytesOnly) {
  const StoreCipher cipher(some_key(1), tests::random_without_chance);
  const Blob one(10, std::byte{1}), other(10, std::byte{2});
  EXPECT_EQ(cipher.new_nonce({one}), cipher.new_nonce({one}));
  EXPECT_NE(cipher.new_nonce({one}), cipher.new_nonce({other}));
  EXPECT_NE(some_cipher()->new_nonce({one}), some_cipher()->new_nonce({one}));
}

TEST(Xaes, FingerprintsAreKeyed) {
  const Blob chunk(1000, std::byte{5});
  const Bytes view(chunk);
  std::array<Fingerprint, 4> sums;
  stored_fingerprints({&view, 1}, {&sums[0], 1}, nullptr);
  stored_fingerprints({&view, 1}, {&sums[1], 1}, some_cipher(1).get());
  stored_fingerprints({&view, 1}, {&sums[2], 1}, some_cipher(2).get());
  stored_fingerprints({&view, 1}, {&sums[3], 1}, some_cipher(1).get());
  EXPECT_NE(sums[0], sums[1]);
  EXPECT_NE(sums[1], sums[2]);
  EXPECT_EQ(sums[1], sums[3]);
}

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

// ---- keys

TEST(StoreKey, EveryChangedBitAndEveryMissingByteIsFound) {
  const UuidBytes store{4, 5};
  const KeyRecord record = encrypt_data_key(store, some_key(1), some_key(2), random_from_kernel);
  const auto bytes = format_key_record(record);
  const Blob good(bytes.begin(), bytes.end());
  ASSERT_EQ(parse_key_record(good).value(), record);
  EXPECT_TRUE(std::ranges::equal(decrypt_data_key(record, store, some_key(2)).value().bytes(),
                                 some_key(1).bytes()));
  for (std::size_t length = 0; length < good.size(); ++length) {
    ASSERT_FALSE(parse_key_record(Bytes(good).first(length)).ok()) << length;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Blob bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    ASSERT_FALSE(parse_key_record(bad).ok()) << bit;
  }
  // Whatever the checksum says, its tag holds.
  for (auto change : {+[](KeyRecord& it) { it.nonce[3] ^= std::byte{1}; },
                      +[](KeyRecord& it) { it.encrypted[3] ^= std::byte{1}; },
                      +[](KeyRecord& it) { it.tag[3] ^= std::byte{1}; }}) {
    KeyRecord changed = record;
    change(changed);
    EXPECT_EQ(decrypt_data_key(changed, store, some_key(2)).error().code(), Errc::corrupt);
  }
  EXPECT_EQ(decrypt_data_key(record, {6}, some_key(2)).error().code(), Errc::corrupt);
}

TEST(StoreKey, AnotherKeyFileIsRefusedAndBothAreNamed) {
  const KeyRecord record = encrypt_data_key({4}, some_key(1), some_key(2), random_from_kernel);
  const auto opened = decrypt_data_key(record, {4}, some_key(3));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::access_denied);
  for (const std::uint8_t number : {std::uint8_t{2}, std::uint8_t{3}}) {
    const std::string name = to_hex(identity_of(some_key(number)));
    EXPECT_NE(opened.error().what().find(name), std::string::npos) << opened.error().what();
  }
}

TEST(KeyFile, HasThirtyTwoBytesOrTheirDigits) {
  const std::string digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
  const auto key = parse_key_file(as_bytes_of(digits));
  ASSERT_TRUE(key.ok()) << key.error().what();
  EXPECT_EQ(hex_of(key.value().bytes()),
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  EXPECT_TRUE(parse_key_file(as_bytes_of(digits + "\n")).ok());
  EXPECT_TRUE(parse_key_file(key.value().bytes()).ok());
  for (const std::string& wrong :
       {std::string(), digits.substr(1), digits + "0", digits + "\n\n", "g" + digits.substr(1),
        std::string(31, 'x'), std::string(33, 'x')}) {
    EXPECT_EQ(parse_key_file(as_bytes_of(wrong)).error().code(), Errc::invalid_argument) << wrong;
  }
}

TEST(KeyFile, IsItsOwnersAlone) {
  char folder[] = "/tmp/key_file_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const BytePath path = std::string(folder) + "/key";
  EXPECT_EQ(read_key_file(path).error().code(), Errc::not_found);
  EXPECT_EQ(read_key_file(folder).error().code(), Errc::access_denied);
  ASSERT_TRUE(write_file_durably(path, std::string(32, 'k')).ok());
  EXPECT_TRUE(read_key_file(path).ok());
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(read_key_file(path).error().code(), Errc::access_denied) << mode;
  }
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(read_key_file(path).ok());
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_EQ(read_key_file(path).error().code(), Errc::access_denied);
  }
  EXPECT_EQ(::unlink(path.c_str()), 0);
  EXPECT_EQ(::rmdir(folder), 0);
}

}  // namespace
}  // namespace stillframe::chunkstore

// The cipher against published results, and keys: in files, in records, in memory.
#include "framework/chunkstore/store_key.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/chunkstore/secret_memory.hpp"
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

// The accumulated vectors: 10,000 keys, nonces, texts and what is associated, all from one stream
// of SHAKE-128, and the same of what comes of them.
TEST(Xaes, GivesWhatTheSpecificationDoesForTenThousandMessages) {
  const auto shake = [](Bytes from, std::size_t bytes) {
    Blob out(bytes);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(),
                                                                      &EVP_MD_CTX_free);
    EXPECT_EQ(EVP_DigestInit_ex(sum.get(), EVP_shake128(), nullptr), 1);
    EXPECT_EQ(EVP_DigestUpdate(sum.get(), from.data(), from.size()), 1);
    EXPECT_EQ(EVP_DigestFinalXOF(sum.get(), reinterpret_cast<unsigned char*>(out.data()), bytes),
              1);
    return out;
  };
  const Blob stream = shake({}, std::size_t{6} << 20);
  std::size_t at = 0;
  const auto next = [&](std::size_t bytes) {
    at += bytes;
    return Bytes(stream).subspan(at - bytes, bytes);
  };
  Blob all, encrypted;
  for (int i = 0; i < 10'000; ++i) {
    const Key256 key = Key256::filled([&](MutableBytes into) {
      std::memcpy(into.data(), next(into.size()).data(), into.size());
    });
    CipherNonce nonce;
    std::memcpy(nonce.data(), next(nonce.size()).data(), nonce.size());
    const Bytes text = next(std::to_integer<std::size_t>(next(1)[0]));
    const Bytes with = next(std::to_integer<std::size_t>(next(1)[0]));
    encrypted.resize(text.size());
    const CipherTag tag = Xaes(key).encrypt(nonce, {with}, text, encrypted);
    all.insert(all.end(), encrypted.begin(), encrypted.end());
    all.insert(all.end(), tag.begin(), tag.end());
  }
  EXPECT_EQ(hex_of(shake(all, 32)),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
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

// What a core dump leaves out is marked so in the process's own map of its memory.
TEST(SecretMemory, IsInNoCoreDump) {
  const auto cipher = make_secret<StoreCipher>(some_key(1));
  const auto place = reinterpret_cast<std::uintptr_t>(cipher.get());
  std::ifstream map("/proc/self/smaps");
  bool inside = false;
  std::string flags;
  for (std::string line; std::getline(map, line);) {
    std::uintptr_t from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      inside = from <= place && place < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      flags = line + " ";
    }
  }
  if (flags.empty()) GTEST_SKIP() << "this kernel says nothing of its maps";
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
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
  std::string folder = testing::TempDir() + "/key_file.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const BytePath path = folder + "/key";
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
  EXPECT_EQ(::rmdir(folder.c_str()), 0);
}

}  // namespace
}  // namespace stillframe::chunkstore

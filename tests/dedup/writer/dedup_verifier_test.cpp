// Containers of a real store, as a requestor would feed them to the verifier while it copies.
#include "writers/dedup/writer/dedup_verifier.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "framework/io/files.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using tests::Blob;

class DedupVerifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    chunkstore::StoreOptions options;
    options.key = key();
    ASSERT_TRUE(
        chunkstore::Store::create(*files_, folder_, chunkstore::ChunkProfile::kib16, options.key)
            .ok());
    options.container_bytes = 600'000;
    auto store = chunkstore::Store::open(*files_, folder_, options);
    ASSERT_TRUE(store.ok()) << store.error().what();
    for (int i = 0; i < 20; ++i) {
      chunkstore::StreamWriter stream = store.value()->write_stream();
      ASSERT_TRUE(stream.write(tests::random_bytes(random_, 150'000)).ok());
      ASSERT_TRUE(stream.finish().ok());
    }
    ASSERT_TRUE(store.value()->commit().ok());
    for (const auto& entry : fs::directory_iterator(folder_ + "/containers")) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      const auto* begin = reinterpret_cast<const std::byte*>(text.data());
      const bool sealed = text.size() > 4 && text.substr(text.size() - 48, 4) == "SFFT";
      (sealed ? sealed_ : open_)[entry.path()] = Blob(begin, begin + text.size());
    }
    ASSERT_GE(sealed_.size(), 3u);
    ASSERT_EQ(open_.size(), 2u);
  }

  virtual std::optional<chunkstore::Key256> key() const { return std::nullopt; }

  Status check(const BytePath& file, const Blob& bytes, std::size_t piece) {
    auto one = verifier_.open(file, bytes.size());
    if (!one.ok()) return one.error();
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const std::size_t length = std::min(piece, bytes.size() - at);
      if (Status s = one.value()->feed(Bytes(bytes).subspan(at, length)); !s.ok()) return s;
    }
    return one.value()->finish();
  }

  const stillframe::tests::TemporaryDirectory temporary_;
  const BytePath folder_ = temporary_.path();
  const std::unique_ptr<Files> files_ = posix_files();
  std::mt19937_64 random_{11};
  std::map<BytePath, Blob> sealed_, open_;
  DedupVerifier verifier_;
};

TEST_F(DedupVerifierTest, WholeContainersPassInPiecesOfAnySize) {
  for (const auto* containers : {&sealed_, &open_}) {
    for (const auto& [file, bytes] : *containers) {
      for (const std::size_t piece : {std::size_t{1000}, std::size_t{262'144}, bytes.size()}) {
        const Status s = check(file, bytes, piece);
        EXPECT_TRUE(s.ok()) << file << ": " << s.error().what();
      }
    }
  }
}

TEST_F(DedupVerifierTest, AByteThatIsWrongAnywhereOfASealedContainerIsFound) {
  auto [file, bytes] = *sealed_.begin();
  for (std::size_t at = 0; at + 48 < bytes.size(); at += 1 + random_() % 4'000) {
    bytes[at] ^= std::byte{0x10};
    const Status s = check(file, bytes, 65'536);
    EXPECT_EQ(s.ok() ? Errc::internal : s.error().code(), Errc::corrupt) << "at " << at;
    bytes[at] ^= std::byte{0x10};
  }
}

TEST_F(DedupVerifierTest, AContainerInThePlaceOfAnotherIsFound) {
  const auto first = sealed_.begin(), second = std::next(first);
  EXPECT_EQ(check(first->first, second->second, 65'536).error().code(), Errc::corrupt);
}

// What a machine leaves that stops while it appends.
TEST_F(DedupVerifierTest, ATornTailIsNoDamage) {
  auto [file, bytes] = *open_.begin();
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{10}, std::size_t{64}, bytes.size() / 2, bytes.size() - 1}) {
    Blob torn(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    torn.resize(bytes.size());  // a file that grew before its bytes came
    EXPECT_TRUE(check(file, torn, 4'096).ok()) << cut;
  }
}

// The verifier has no key: it checks what can be checked without.
class VerifierWithoutTheKey : public DedupVerifierTest {
 protected:
  std::optional<chunkstore::Key256> key() const override { return chunkstore::Key256(); }
};

TEST_F(VerifierWithoutTheKey, EncryptedContainersPassAndAByteThatIsWrongIsFound) {
  for (const auto* containers : {&sealed_, &open_}) {
    for (const auto& [file, bytes] : *containers) {
      const Status s = check(file, bytes, 262'144);
      EXPECT_TRUE(s.ok()) << file << ": " << s.error().what();
    }
  }
  auto [file, bytes] = *sealed_.begin();
  for (std::size_t at = 0; at + 48 < bytes.size(); at += 1 + random_() % 8'000) {
    bytes[at] ^= std::byte{0x10};
    const Status s = check(file, bytes, 65'536);
    EXPECT_EQ(s.ok() ? Errc::internal : s.error().code(), Errc::corrupt) << "at " << at;
    bytes[at] ^= std::byte{0x10};
  }
}

TEST_F(DedupVerifierTest, OnlyContainersOfTheWriterAreWanted) {
  WriterIdentity writer;
  writer.name = "Dedup Writer";
  const BytePath container = sealed_.begin()->first;
  EXPECT_TRUE(verifier_.wants(writer, {}, container));
  EXPECT_FALSE(verifier_.wants(writer, {}, container + ".new"));
  EXPECT_FALSE(verifier_.wants(writer, {}, folder_ + "/commits"));
  writer.name = "other";
  EXPECT_FALSE(verifier_.wants(writer, {}, container));
}

}  // namespace
}  // namespace stillframe::dedup

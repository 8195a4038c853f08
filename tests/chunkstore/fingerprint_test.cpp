#include "framework/chunkstore/fingerprint.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/chunkstore/random_bytes.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using tests::Blob;

Fingerprint of_openssl(const Blob& bytes) {
  return sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void expect_right(const std::vector<Blob>& messages) {
  const std::vector<Bytes> chunks(messages.begin(), messages.end());
  for (const HashLoops* loops : all_hash_loops()) {
    std::vector<Fingerprint> found(chunks.size());
    fingerprints(chunks, found, *loops);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      ASSERT_EQ(found[i], of_openssl(messages[i]))
          << loops->name << ", message " << i << " of " << messages[i].size() << " bytes";
    }
  }
}

// Around the lengths where the padding takes a block of its own.
TEST(Fingerprints, EveryShortLengthIsRight) {
  std::mt19937_64 random(1);
  std::vector<Blob> messages;
  for (std::size_t length = 0; length < 300; ++length) {
    messages.push_back(tests::random_bytes(random, length));
  }
  expect_right(messages);
}

TEST(Fingerprints, AnyNumberOfAnyLengthIsRight) {
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(40); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<Blob> messages(random() % 70);
    for (Blob& each : messages) {
      each = tests::random_bytes(random, random() % (std::size_t{1} << (random() % 18)));
    }
    expect_right(messages);
  }
}

TEST(Fingerprints, NoChunksAreNoWork) {
  fingerprints({}, {});
}

}  // namespace
}  // namespace stillframe::chunkstore

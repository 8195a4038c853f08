#include "framework/base/sha256.hpp"

#include <string>

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  const std::string whole(100'001, 'q');
  Sha256 digest;
  for (std::size_t at = 0; at < whole.size(); at += 977) {
    digest.update(std::string_view(whole).substr(at, 977));
  }
  EXPECT_EQ(digest.finish(), sha256(whole));
  digest.reset();
  digest.update("abc");
  EXPECT_EQ(to_hex(digest.finish()), sha256_hex("abc"));
}

TEST(Sha256DeathTest, FinishingTwiceStopsTheProcess) {
  Sha256 digest;
  digest.finish();
  EXPECT_DEATH(digest.finish(), "finished twice");
}

}  // namespace
}  // namespace stillframe

#include "writers/dedup/volume/stub.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace stillframe::dedup {
namespace {

TEST(Stub, IsReadAsItWasWritten) {
  const Stub stub{generate_uuid(), FileId::generate()};
  const auto bytes = format_stub(stub);
  EXPECT_LE(bytes.size(), 256u);  // ext4 keeps a file's attributes in one block
  const auto parsed = parse_stub(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  EXPECT_EQ(parsed.value(), stub);
}

TEST(Stub, AnythingElseIsRefused) {
  const auto whole = format_stub({generate_uuid(), FileId::generate()});
  const std::vector<std::byte> bytes(whole.begin(), whole.end());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(parse_stub(flipped).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_stub(Bytes(bytes).first(size)).ok()) << size << " bytes";
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(parse_stub(longer).ok());
}

}  // namespace
}  // namespace stillframe::dedup

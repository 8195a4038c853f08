// What the verifier says of the files of an instance, whole and damaged.
#include "writers/ese/writer/ese_verifier.hpp"

#include <fstream>
#include <iterator>

#include "tests/ese/writer/hosted_rows.hpp"

namespace stillframe::ese {
namespace {

class EseVerifierTest : public testing::Test {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(100);
    ASSERT_TRUE(rows_.hosted().get()->log().roll().ok());
    ASSERT_TRUE(rows_.hosted().get()->flush().ok());
  }

  static std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // In pieces of a size that no page has.
  static Status verify(const std::string& path, const std::string& content) {
    EseVerifier verifier;
    auto file = verifier.open(path, content.size());
    if (!file.ok()) return file.error();
    constexpr std::size_t kPiece = 10'007;
    for (std::size_t at = 0; at < content.size(); at += kPiece) {
      const std::string_view some = std::string_view(content).substr(at, kPiece);
      const Status fed = file.value()->feed(std::as_bytes(std::span(some)));
      if (!fed.ok()) return fed;
    }
    return file.value()->finish();
  }

  tool::TestFolder folder_;
  tests::HostedRows rows_{folder_.path()};
};

TEST_F(EseVerifierTest, WhatTheEngineWroteIsGood) {
  for (const std::string& path : {rows_.database(0), rows_.database(1),
                                  rows_.logs() + "/edb00001.log", rows_.logs() + "/edb.log"}) {
    const Status good = verify(path, content_of(path));
    EXPECT_TRUE(good.ok()) << good.error().what();
  }
}

TEST_F(EseVerifierTest, ADamagedPageIsNamed) {
  std::string content = content_of(rows_.database(0));
  content[7 * 4096 + 300] = static_cast<char>(content[7 * 4096 + 300] ^ 0x55);
  const Status bad = verify(rows_.database(0), content);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Errc::corrupt);
  EXPECT_NE(bad.error().what().find("page 6 of"), std::string::npos) << bad.error().what();
}

TEST_F(EseVerifierTest, ADamagedLogAndADatabaseThatIsCutOffAreFound) {
  const std::string log = rows_.logs() + "/edb00001.log";
  std::string content = content_of(log);
  content[3 * 4096 + 100] = static_cast<char>(content[3 * 4096 + 100] ^ 0x55);
  EXPECT_FALSE(verify(log, content).ok());
  EXPECT_FALSE(verify(rows_.database(0), content_of(rows_.database(0)).substr(0, 4096)).ok());
  EXPECT_FALSE(verify(rows_.database(0), std::string(200'000, 'x')).ok());
  EXPECT_FALSE(verify(rows_.database(0), "").ok());
}

TEST_F(EseVerifierTest, ItWantsTheFilesOfItsWriterAlone) {
  EseVerifier verifier;
  WriterIdentity engine, other;
  engine.name = "Extensible Storage Engine";
  EXPECT_TRUE(verifier.wants(engine, {"Instance", "one.edb"}, "/db/one.edb"));
  EXPECT_TRUE(verifier.wants(engine, {"", "Instance"}, "/logs/edb.log"));
  EXPECT_FALSE(verifier.wants(engine, {"", "Instance"}, "/logs/edb.chk"));
  EXPECT_FALSE(verifier.wants(other, {"Instance", "one.edb"}, "/db/one.edb"));
}

}  // namespace
}  // namespace stillframe::ese

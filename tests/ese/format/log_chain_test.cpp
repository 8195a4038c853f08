#include "writers/ese/format/log_chain.hpp"

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

ChainLog log(std::int32_t generation, LogFileKind kind = LogFileKind::archived) {
  ChainLog l;
  l.name.kind = kind;
  if (kind == LogFileKind::archived) l.name.generation = Generation{generation};
  l.file = kind == LogFileKind::archived
               ? archived_log_name("edb", Generation{generation}, LogExtensions::log_chk)
               : current_log_name("edb", LogExtensions::log_chk);
  LogHeader& h = l.header.fields;
  h.generation = Generation{generation};
  h.major = 8;
  h.update_major = 5;
  h.update_minor = 16;
  h.created.day = static_cast<std::uint8_t>(generation);
  h.created_previous.day = static_cast<std::uint8_t>(generation - 1);
  h.log.random = 99;
  return l;
}

LogChain chain_of(std::vector<ChainLog> files) {
  return examine_chain(std::move(files));
}

TEST(EseLogChain, FilesInAnyOrderMakeAChain) {
  const LogChain chain = chain_of({log(7, LogFileKind::current), log(5), log(6)});
  EXPECT_TRUE(chain.whole());
  EXPECT_EQ(chain.newest(), Generation{7});
  EXPECT_EQ(chain.usable_from(), Generation{5});
  EXPECT_FALSE(chain.rolling);
}

TEST(EseLogChain, EachBreakIsNamedWhereItShows) {
  struct Case {
    EseErr err;
    void (*spoil)(ChainLog& six);
  };
  const Case cases[] = {
      {EseErr::bad_log_signature, [](ChainLog& l) { l.header.fields.log.random = 1; }},
      {EseErr::invalid_log_sequence, [](ChainLog& l) { l.header.fields.created_previous = {}; }},
      {EseErr::invalid_log_sequence, [](ChainLog& l) { l.name.generation = Generation{9}; }},
  };
  for (const Case& c : cases) {
    ChainLog six = log(6);
    c.spoil(six);
    const LogChain chain = chain_of({log(5), six, log(7, LogFileKind::current)});
    ASSERT_FALSE(chain.whole());
    EXPECT_EQ(chain.findings[0].err, c.err) << chain.findings[0].what;
    EXPECT_EQ(chain.findings[0].generation, Generation{6});
  }
}

TEST(EseLogChain, AGapIsNamedWithWhatIsMissing) {
  const LogChain chain = chain_of({log(3), log(7, LogFileKind::current)});
  ASSERT_EQ(chain.findings.size(), 1u);
  EXPECT_EQ(chain.findings[0].err, EseErr::missing_log_file);
  EXPECT_NE(chain.findings[0].what.find("4 to 6 are missing"), std::string::npos);
  EXPECT_EQ(chain.usable_from(), Generation{7});
  const std::vector<Generation> missing{Generation{4}, Generation{5}};
  EXPECT_EQ(missing_generations(chain, Generation{3}, Generation{5}), missing);
}

TEST(EseLogChain, TheCurrentLogIsTheNewest) {
  const LogChain chain = chain_of({log(5), log(6), log(4, LogFileKind::current)});
  ASSERT_FALSE(chain.whole());
  EXPECT_EQ(chain.findings[0].err, EseErr::invalid_log_sequence);
}

TEST(EseLogChain, ACrashBetweenTheRenamesOfARollIsRecognised) {
  ChainLog prepared = log(8);
  prepared.name = {LogFileKind::temporary};
  EXPECT_TRUE(chain_of({log(6), log(7), prepared}).rolling);
  EXPECT_TRUE(chain_of({log(6), log(7), prepared}).whole());
  EXPECT_FALSE(chain_of({log(6), log(7, LogFileKind::current), prepared}).rolling);
}

TEST(EseLogChain, ChecksumsAreComparedWhenBothAreKnown) {
  ChainLog next = log(6);
  next.header.fields.previous_segments = 17;
  EXPECT_FALSE(check_follows(log(5), next, std::nullopt));
  EXPECT_FALSE(check_follows(log(5), next, 17));
  const auto found = check_follows(log(5), next, 18);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->err, EseErr::log_sequence_checksum_mismatch);
  next.header.fields.previous_segments = 0;  // unknown
  EXPECT_FALSE(check_follows(log(5), next, 18));
}

TEST(EseLogChain, NoLogsMakeNoChain) {
  const LogChain chain = chain_of({});
  EXPECT_EQ(chain.newest(), Generation::none);
  EXPECT_EQ(chain.usable_from(), Generation::none);
}

}  // namespace
}  // namespace stillframe::ese

#include "writers/ese/format/log_names.hpp"

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

TEST(EseLogNames, EveryKindOfFileIsKnownByItsName) {
  const auto kind = [](std::string_view file) { return parse_log_file_name("edb", file)->kind; };
  EXPECT_EQ(kind("edb.log"), LogFileKind::current);
  EXPECT_EQ(kind("EDB.LOG"), LogFileKind::current);
  EXPECT_EQ(kind("edb.jtx"), LogFileKind::current);
  EXPECT_EQ(kind("edbtmp.log"), LogFileKind::temporary);
  EXPECT_EQ(kind("edb.chk"), LogFileKind::checkpoint);
  EXPECT_EQ(kind("edb.jcp"), LogFileKind::checkpoint);
  EXPECT_EQ(kind("edbres00001.jrs"), LogFileKind::reserve);
  EXPECT_EQ(kind("res2.log"), LogFileKind::reserve);
}

TEST(EseLogNames, ArchivedFilesSayTheirGeneration) {
  const auto five = parse_log_file_name("edb", "edb0001A.log");
  ASSERT_TRUE(five);
  EXPECT_EQ(*five,
            (LogFileName{LogFileKind::archived, LogExtensions::log_chk, Generation{0x1A}, 5}));
  const auto eight = parse_log_file_name("V01", "v010000001a.jtx");
  ASSERT_TRUE(eight);
  EXPECT_EQ(*eight,
            (LogFileName{LogFileKind::archived, LogExtensions::jtx_jcp, Generation{0x1A}, 8}));
}

TEST(EseLogNames, NamesThatAreNotOfTheSequenceAreLeftAlone) {
  for (const char* file :
       {"", "edb", "edb.edb", "edb0001.log", "edb00000.log", "edb0001G.log", "edbFFFFFFFF.log",
        "edb000000001.log", "SRU.log", "edb1.chk", "edbres0001.jrs", "edb (copy).log"}) {
    EXPECT_FALSE(parse_log_file_name("edb", file)) << file;
  }
}

TEST(EseLogNames, NamesAreMadeAsTheyAreRead) {
  EXPECT_EQ(archived_log_name("edb", Generation{0x1A}, LogExtensions::log_chk), "edb0001A.log");
  EXPECT_EQ(archived_log_name("edb", Generation{0xFFFFF}, LogExtensions::log_chk), "edbFFFFF.log");
  EXPECT_EQ(archived_log_name("edb", Generation{0x100000}, LogExtensions::log_chk),
            "edb00100000.log");
  EXPECT_EQ(archived_log_name("edb", Generation{1}, LogExtensions::jtx_jcp, true),
            "edb00000001.jtx");
  EXPECT_EQ(temporary_log_name("edb", LogExtensions::log_chk), "edbtmp.log");
  EXPECT_EQ(current_log_name("SRU", LogExtensions::jtx_jcp), "SRU.jtx");
  EXPECT_EQ(checkpoint_name("edb", LogExtensions::jtx_jcp), "edb.jcp");
  EXPECT_EQ(reserve_log_name("edb", 2), "edbres00002.jrs");
}

TEST(EseLogNames, TheBaseIsFoundFromTheCurrentLogOrTheCheckpoint) {
  EXPECT_EQ(log_base_of("SRU.log"), "SRU");
  EXPECT_EQ(log_base_of("edb.jcp"), "edb");
  EXPECT_FALSE(log_base_of("edbtmp.log"));
  EXPECT_FALSE(log_base_of("edb00001.log"));
  EXPECT_FALSE(log_base_of("ed"));
}

}  // namespace
}  // namespace stillframe::ese

#include "framework/io/mountinfo.hpp"

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(Mountinfo, AllFieldsOfALine) {
  auto table = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n");
  ASSERT_TRUE(table.ok()) << table.error().what();
  ASSERT_EQ(table.value().size(), 1u);
  const MountEntry& entry = table.value()[0];
  EXPECT_EQ(entry.id, 36u);
  EXPECT_EQ(entry.parent, 35u);
  EXPECT_EQ(entry.major, 98u);
  EXPECT_EQ(entry.minor, 0u);
  EXPECT_EQ(entry.root, "/mnt1");
  EXPECT_EQ(entry.mount_point, "/mnt2");
  EXPECT_EQ(entry.options, "rw,noatime");
  EXPECT_EQ(entry.fs_type, "ext3");
  EXPECT_EQ(entry.source, "/dev/root");
  EXPECT_EQ(entry.super_options, "rw,errors=continue");
  EXPECT_FALSE(entry.read_only());
}

TEST(Mountinfo, EscapedBytesComeBack) {
  auto table = parse_mountinfo("1 0 0:1 / /a\\040b\\011c\\012d\\134e rw - tmpfs x\\043y ro\n");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table.value()[0].mount_point, "/a b\tc\nd\\e");
  EXPECT_EQ(table.value()[0].source, "x#y");
  EXPECT_TRUE(table.value()[0].read_only());
}

TEST(Mountinfo, AnEmptySourceIsNoError) {
  auto table = parse_mountinfo("1 0 0:1 / /x rw - tmpfs  rw\n");
  ASSERT_TRUE(table.ok()) << table.error().what();
  EXPECT_EQ(table.value()[0].source, "");
  EXPECT_EQ(table.value()[0].super_options, "rw");
}

TEST(Mountinfo, WhatIsNoEscapeStays) {
  EXPECT_EQ(unescape_mountinfo("a\\"), "a\\");
  EXPECT_EQ(unescape_mountinfo("\\04"), "\\04");
  EXPECT_EQ(unescape_mountinfo("\\400"), "\\400");
  EXPECT_EQ(unescape_mountinfo("\\189"), "\\189");
  EXPECT_EQ(unescape_mountinfo("\\377"), "\377");
}

TEST(Mountinfo, BrokenLinesAreNamedByNumber) {
  const std::string good = "1 0 0:1 / / rw - ext4 /dev/a rw\n";
  for (const char* bad : {
           "x 0 0:1 / / rw - ext4 /dev/a rw",
           "1 0 01 / / rw - ext4 /dev/a rw",
           "1 0 0:1 / / rw ext4 /dev/a rw",
           "1 0 0:1 / / rw - ext4 /dev/a",
           "1 0 0:1 / / rw - ext4 /dev/a rw extra",
           "1 0 0:1 /",
           "-1 0 0:1 / / rw - ext4 /dev/a rw",
           "99999999999999999999 0 0:1 / / rw - ext4 /dev/a rw",
       }) {
    auto table = parse_mountinfo(good + bad + "\n");
    ASSERT_FALSE(table.ok()) << bad;
    EXPECT_EQ(table.error().code(), Errc::corrupt);
    EXPECT_NE(table.error().what().find("line 2"), std::string::npos) << table.error().what();
  }
}

TEST(Mountinfo, OwnTableParses) {
  auto table = read_mountinfo();
  ASSERT_TRUE(table.ok()) << table.error().what();
  EXPECT_FALSE(table.value().empty());
}

TEST(Mountinfo, OptionsAreMatchedWhole) {
  EXPECT_TRUE(has_mount_option("rw,subvolid=5", "subvolid"));
  EXPECT_TRUE(has_mount_option("ro", "ro"));
  EXPECT_FALSE(has_mount_option("errors=remount-ro", "ro"));
  EXPECT_FALSE(has_mount_option("norw", "rw"));
}

}  // namespace
}  // namespace stillframe

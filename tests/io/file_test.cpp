#include "framework/io/file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/io/file_lock.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using tests::TemporaryDirectory;

TEST(File, DurableWriteReplacesAndLeavesNoTemporary) {
  TemporaryDirectory here;
  const BytePath path = here.path() + "/record";
  ASSERT_TRUE(write_file_durably(path, "one").ok());
  ASSERT_TRUE(write_file_durably(path, "two", 0640).ok());
  EXPECT_EQ(read_file(path, 100).value(), "two");
  struct stat st {};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
  EXPECT_FALSE(exists(path + ".new"));
}

TEST(File, DurableWriteTakesOverWhatACrashLeft) {
  TemporaryDirectory here;
  const BytePath path = here.path() + "/record";
  ASSERT_TRUE(write_file_durably(path + ".new", "half of it, and longer than the next").ok());
  ASSERT_TRUE(write_file_durably(path, "whole").ok());
  EXPECT_EQ(read_file(path, 100).value(), "whole");
}

TEST(File, ErrorsNameOperationAndObject) {
  auto missing = read_file("/nonexistent/a\nb", 10);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Errc::not_found);
  EXPECT_NE(missing.error().what().find("open"), std::string::npos);
  EXPECT_NE(missing.error().what().find("a\\x0ab"), std::string::npos) << missing.error().what();
}

TEST(File, LongerThanTheLimitIsRefusedNotCut) {
  TemporaryDirectory here;
  ASSERT_TRUE(write_file_durably(here.path() + "/f", "12345").ok());
  EXPECT_TRUE(read_file(here.path() + "/f", 5).ok());
  EXPECT_EQ(read_file(here.path() + "/f", 4).error().code(), Errc::limit_reached);
}

TEST(File, PublishingNeverReplaces) {
  TemporaryDirectory here;
  ASSERT_TRUE(make_directories(here.path() + "/made/inner").ok());
  ASSERT_TRUE(publish_directory(here.path() + "/made", here.path() + "/final").ok());
  EXPECT_TRUE(exists(here.path() + "/final/inner"));
  ASSERT_TRUE(make_directories(here.path() + "/made").ok());
  EXPECT_EQ(publish_directory(here.path() + "/made", here.path() + "/final").error().code(),
            Errc::already_exists);
  EXPECT_TRUE(exists(here.path() + "/final/inner"));
}

TEST(File, MakingDirectoriesAcceptsThoseThereAndRefusesAFileInTheWay) {
  TemporaryDirectory here;
  EXPECT_TRUE(make_directories(here.path() + "/a/b/c").ok());
  EXPECT_TRUE(make_directories(here.path() + "/a/b/c").ok());
  ASSERT_TRUE(write_file_durably(here.path() + "/a/file", "").ok());
  EXPECT_FALSE(make_directories(here.path() + "/a/file").ok());
  EXPECT_FALSE(make_directories(here.path() + "/a/file/below").ok());
}

TEST(FileLock, ASecondTakerIsToldWhoHoldsIt) {
  TemporaryDirectory here;
  auto lock = lock_file_system(here.path(), "1234-abcd");
  ASSERT_TRUE(lock.ok()) << lock.error().what();
  auto second = lock_file_system(here.path(), "1234-abcd");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::in_progress);
  EXPECT_NE(second.error().what().find("process " + std::to_string(getpid())), std::string::npos)
      << second.error().what();
  EXPECT_TRUE(lock_file_system(here.path(), "another").ok());
}

TEST(FileLock, IsFreeAgainWhenItsHolderIsKilled) {
  TemporaryDirectory here;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto lock = lock_file_system(here.path(), "fs");
    const char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  auto held = lock_file_system(here.path(), "fs");
  ASSERT_FALSE(held.ok());
  EXPECT_NE(held.error().what().find("process " + std::to_string(child)), std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(lock_file_system(here.path(), "fs").ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(FileLock, KeysThatAreNoFileNameAreRefused) {
  TemporaryDirectory here;
  for (const char* key : {"", ".", "..", "a/b", "/etc/passwd"}) {
    EXPECT_EQ(lock_file_system(here.path(), key).error().code(), Errc::invalid_argument) << key;
  }
}

}  // namespace
}  // namespace stillframe

// The folder of an atomic backup, when something in it cannot be changed.
#include "writers/ese/backup/backup_target.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "tests/io/support/stopping_files.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::StoppingFiles;

class BackupTargetTest : public testing::Test {
 protected:
  static void put(Files& files, const BytePath& path) {
    auto file = files.create(path);
    ASSERT_TRUE(file.ok()) << file.error().what();
    ASSERT_TRUE(file.value()->sync().ok());
  }
  // As an interrupted call leaves it: the newest set is in `new`, and one before it is still there.
  static void lay_out(Files& files) {
    for (const char* name : {"/b/new", "/b/old", "/b/temp"}) {
      ASSERT_TRUE(files.make_directory(name).ok());
      put(files, std::string(name) + "/one.edb");
    }
    put(files, "/b/new/one.pat");
  }
};

TEST_F(BackupTargetTest, WhatAnAtomicSetCannotChangeIsToldByItsNumber) {
  std::set<EseErr> seen;
  for (std::int64_t changes = 0;; ++changes) {
    SCOPED_TRACE("stopped after " + std::to_string(changes) + " changes");
    CrashingFiles disk;
    lay_out(disk);
    StoppingFiles files(disk, changes);
    const auto target = BackupTarget::prepare(files, {.directory = "/b", .atomic = true});
    if (target.ok()) break;
    for (const EseErr err : {EseErr::delete_backup_file_fail, EseErr::make_backup_directory_fail}) {
      if (is(target.error(), err)) seen.insert(err);
    }
    const bool whole = disk.exists("/b/new/one.pat") || disk.exists("/b/old/one.pat");
    EXPECT_TRUE(whole) << "the set is gone";
    ASSERT_LT(changes, 50);
  }
  EXPECT_EQ(seen, (std::set{EseErr::delete_backup_file_fail, EseErr::make_backup_directory_fail}));
}

}  // namespace
}  // namespace stillframe::ese

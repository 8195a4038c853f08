#include "framework/model/backup_type.hpp"

#include <gtest/gtest.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

TEST(BackupType, ATypeTheWriterDidNotPromiseIsAFullBackup) {
  BackupSchema none;
  none.bits = 0;
  for (BackupType type :
       {BackupType::incremental, BackupType::differential, BackupType::log, BackupType::copy}) {
    EXPECT_EQ(effective_type(none, type), BackupType::full);
  }
  EXPECT_EQ(effective_type(none, BackupType::full), BackupType::full);
  EXPECT_EQ(effective_type(none, BackupType::other), BackupType::other);
  BackupSchema some;
  some.bits = BackupSchema::kIncremental | BackupSchema::kLog | BackupSchema::kCopy;
  EXPECT_EQ(effective_type(some, BackupType::incremental), BackupType::incremental);
  EXPECT_EQ(effective_type(some, BackupType::log), BackupType::log);
  EXPECT_EQ(effective_type(some, BackupType::copy), BackupType::copy);
  EXPECT_EQ(effective_type(some, BackupType::differential), BackupType::full);
}

TEST(TypeMask, EachTypeLooksAtItsOwnBits) {
  struct Row {
    BackupType type;
    std::uint32_t required, snapshot;
  };
  const Row rows[] = {
      {BackupType::full, TypeMask::kFullRequired, TypeMask::kFullSnapshot},
      {BackupType::copy, TypeMask::kFullRequired, TypeMask::kFullSnapshot},
      {BackupType::other, TypeMask::kFullRequired, TypeMask::kFullSnapshot},
      {BackupType::differential, TypeMask::kDifferentialRequired, TypeMask::kDifferentialSnapshot},
      {BackupType::incremental, TypeMask::kIncrementalRequired, TypeMask::kIncrementalSnapshot},
      {BackupType::log, TypeMask::kLogRequired, TypeMask::kLogSnapshot},
  };
  Component group;
  for (const Row& row : rows) {
    FileSet files;
    files.mask.bits = row.required | row.snapshot;
    EXPECT_TRUE(takes_part(group, files, row.type));
    EXPECT_TRUE(needs_snapshot(files, row.type));
    files.mask.bits = TypeMask::kDefault & ~(row.required | row.snapshot);
    EXPECT_FALSE(takes_part(group, files, row.type));
    EXPECT_FALSE(needs_snapshot(files, row.type));
  }
}

TEST(TypeMask, ALogBackupOfADatabaseTakesLogFilesOnly) {
  Component database;
  database.type = ComponentType::database;
  FileSet data, logs;
  logs.is_log = true;
  EXPECT_FALSE(takes_part(database, data, BackupType::log));
  EXPECT_TRUE(takes_part(database, logs, BackupType::log));
  EXPECT_TRUE(takes_part(database, data, BackupType::incremental));
  Component group;
  EXPECT_TRUE(takes_part(group, data, BackupType::log));
}

TEST(TypeMask, PlacesThatNeedNoSnapshotCanStayOutOfTheSet) {
  WriterMetadata writer = tests::library_writer();
  writer.components[1].files[0].mask.bits = TypeMask::kFullRequired;  // read live
  writer.components[4].files[0].alternate_path = "/srv/spit";
  writer.components[3].files[0].mask.bits = TypeMask::kDefault & ~TypeMask::kFullRequired;
  const std::vector<std::size_t> chosen = {1, 3, 4};
  const auto places = read_places(writer, chosen, BackupType::full);
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].path, "/var/spool/library");
  EXPECT_TRUE(places[0].recursive);
  EXPECT_FALSE(places[0].from_snapshot);
  EXPECT_EQ(places[1].path, "/srv/library/science");
  EXPECT_TRUE(places[1].from_snapshot);
  EXPECT_EQ(places[2].path, "/srv/spit");
  EXPECT_TRUE(places[2].from_snapshot);
}

}  // namespace
}  // namespace stillframe

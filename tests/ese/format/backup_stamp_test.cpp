#include "writers/ese/format/backup_stamp.hpp"

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

BackupInfo info(int generation) {
  BackupInfo info;
  info.mark = {0, 1, Generation{generation}};
  info.low = Generation{generation};
  info.high = Generation{generation + 2};
  return info;
}

DatabaseHeader stamped(DatabaseHeader header, BackupScope scope, int generation,
                       BackupKind kind = BackupKind::streaming) {
  stamp_backup(header, backup_record(BackupPhase::update, kind, scope, info(generation)));
  return header;
}

TEST(BackupStamp, WhatWasCopiedAndWhatBecameOfTheLogsSayWhichBackupItWas) {
  EXPECT_EQ(backup_scope(false, true), BackupScope::full);
  EXPECT_EQ(backup_scope(false, false), BackupScope::copy);
  EXPECT_EQ(backup_scope(true, true), BackupScope::incremental);
  EXPECT_EQ(backup_scope(true, false), BackupScope::differential);
}

TEST(BackupStamp, EachScopeHasItsOwnPlace) {
  const DatabaseHeader none;
  EXPECT_EQ(stamped(none, BackupScope::full, 4).full_previous, info(4));
  EXPECT_EQ(stamped(none, BackupScope::copy, 4).copy_previous, info(4));
  EXPECT_EQ(stamped(none, BackupScope::incremental, 4).incremental_previous, info(4));
  EXPECT_EQ(stamped(none, BackupScope::differential, 4).differential_previous, info(4));
  EXPECT_EQ(stamped(none, BackupScope::copy, 4).full_previous, BackupInfo{});
  const auto snapshot = stamped(none, BackupScope::full, 4, BackupKind::os_snapshot);
  EXPECT_EQ(snapshot.full_kind, BackupKind::os_snapshot);
}

TEST(BackupStamp, AFullBackupBeginsANewChain) {
  DatabaseHeader header = stamped({}, BackupScope::full, 2);
  header = stamped(header, BackupScope::incremental, 4);
  header = stamped(header, BackupScope::differential, 5);
  header = stamped(header, BackupScope::copy, 6);
  header.snapshot_current = info(1);
  const DatabaseHeader copied = stamped(header, BackupScope::copy, 7);
  EXPECT_EQ(copied.incremental_previous, info(4)) << "a copy does not";
  const DatabaseHeader full = stamped(header, BackupScope::full, 8);
  EXPECT_EQ(full.full_previous, info(8));
  EXPECT_EQ(full.incremental_previous, BackupInfo{});
  EXPECT_EQ(full.differential_previous, BackupInfo{});
  EXPECT_EQ(full.copy_previous, info(6));
  EXPECT_EQ(full.snapshot_current, BackupInfo{});
  EXPECT_EQ(stamped(header, BackupScope::full, 8, BackupKind::os_snapshot).snapshot_current,
            info(1));
}

TEST(BackupStamp, AnOlderBackupDoesNotReplaceANewerOne) {
  for (const auto scope : {BackupScope::full, BackupScope::copy, BackupScope::incremental,
                           BackupScope::differential}) {
    SCOPED_TRACE(name_of(scope));
    const DatabaseHeader header = stamped({}, scope, 9);
    EXPECT_EQ(stamped(header, scope, 8), header);
    EXPECT_EQ(stamped(header, scope, 9), header) << "done twice";
  }
}

TEST(BackupStamp, AnotherLogForgetsThemAll) {
  DatabaseHeader header = stamped({}, BackupScope::full, 2, BackupKind::os_snapshot);
  header = stamped(header, BackupScope::incremental, 4);
  header = stamped(header, BackupScope::copy, 6);
  header = stamped(header, BackupScope::differential, 7);
  forget_backups(header);
  EXPECT_EQ(header, DatabaseHeader{});
}

}  // namespace
}  // namespace stillframe::ese

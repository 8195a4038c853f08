#include <gtest/gtest.h>

#include "framework/providers/btrfs/revert_journal.hpp"
#include "framework/providers/common/snapshot_record.hpp"

namespace stillframe {
namespace {

SnapshotRecord full_record() {
  SnapshotRecord record;
  record.info.snapshot = SnapshotId::generate();
  record.info.set = SetId::generate();
  record.info.provider_name = "btrfs";
  record.info.volume.id = "btrfs:x:256";
  record.info.volume.mount_point = "/srv/\xff\n";
  record.info.state = SnapshotState::created;
  record.info.exposed_at = "/mnt/a b";
  record.view = "tree/\xfe";
  record.request.set = record.info.set;
  record.request.snapshot = record.info.snapshot;
  record.request.files.emplace_back().path = "/srv/\xff\n/db";
  record.subvolumes = {{"", "tree"}, {"n\xff", "n1"}};
  record.sealed = record.place_made = true;
  record.revert = RevertStep::swapping;
  record.unmounted = UnmountedVolume{"/srv/\xff\n", "rw,nosuid", "rw,data=ordered"};
  return record;
}

TEST(SnapshotRecord, ComesBackAsItWas) {
  const SnapshotRecord record = full_record();
  auto parsed = parse_snapshot_record(to_json(record));
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  EXPECT_TRUE(parsed.value() == record);
  EXPECT_EQ(parsed.value().info, record.info);
  EXPECT_EQ(parsed.value().subvolumes, record.subvolumes);
  EXPECT_EQ(parsed.value().unmounted, record.unmounted);
}

TEST(SnapshotRecord, EveryTruncationIsRefused) {
  const std::string json = to_json(full_record());
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(parse_snapshot_record(json.substr(0, size)).ok()) << size;
  }
}

TEST(SnapshotRecord, PathsThatLeadElsewhereAreRefused) {
  for (const char* bad : {"../x", "/etc", "a/../b", "a//b", "."}) {
    SnapshotRecord record = full_record();
    record.view = bad;
    EXPECT_EQ(parse_snapshot_record(to_json(record)).error().code(), Errc::corrupt) << bad;
    record = full_record();
    record.subvolumes[1].place = bad;
    EXPECT_EQ(parse_snapshot_record(to_json(record)).error().code(), Errc::corrupt) << bad;
  }
}

TEST(SnapshotRecord, ANewerVersionIsSaidToBeOne) {
  std::string json = to_json(full_record());
  const auto at = json.find("\"version\":1");
  ASSERT_NE(at, std::string::npos);
  json.replace(at, 11, "\"version\":2");
  EXPECT_EQ(parse_snapshot_record(json).error().code(), Errc::future_version);
}

RevertJournal full_journal() {
  RevertJournal journal;
  journal.snapshot = SnapshotId::generate();
  journal.device = "/dev/loop3";
  journal.fs_uuid = "x";
  journal.super_options = "rw,compress=zstd:3";
  journal.volume = "@\xff";
  journal.next = "@\xff.next";
  journal.aside = "@\xff.before";
  journal.store = ".stillframe";
  journal.records = "/srv/.stillframe";
  journal.volume_id = "btrfs:x:256";
  journal.mounts = {{"/srv/a\n", "", "rw,noatime"}, {"/srv/b", "dir", "ro"}};
  journal.swapping = true;
  return journal;
}

TEST(RevertJournal, ComesBackAsItWas) {
  auto parsed = parse_revert_journal(to_json(full_journal()));
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  RevertJournal expected = full_journal();
  expected.snapshot = parsed.value().snapshot;
  EXPECT_EQ(parsed.value(), expected);
}

TEST(RevertJournal, EveryTruncationIsRefused) {
  const std::string json = to_json(full_journal());
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(parse_revert_journal(json.substr(0, size)).ok()) << size;
  }
}

TEST(RevertJournal, PathsThatLeadElsewhereAreRefused) {
  RevertJournal journal = full_journal();
  journal.aside = "../outside";
  EXPECT_EQ(parse_revert_journal(to_json(journal)).error().code(), Errc::corrupt);
  journal = full_journal();
  journal.mounts[1].below = "/etc";
  EXPECT_EQ(parse_revert_journal(to_json(journal)).error().code(), Errc::corrupt);
  journal = full_journal();
  journal.next.clear();
  EXPECT_EQ(parse_revert_journal(to_json(journal)).error().code(), Errc::corrupt);
}

}  // namespace
}  // namespace stillframe

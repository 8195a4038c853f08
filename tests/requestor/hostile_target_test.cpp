// Restores beneath a directory that belongs to somebody who swaps parts of it for links meanwhile.
#include <filesystem>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "requestor/restore/file_restorer.hpp"
#include "requestor/restore/target_root.hpp"
#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;

constexpr uid_t kStranger = 54321;

// A link of the stranger's, in place of what was there.
void swap_for_link(const fs::path& what, const fs::path& target) {
  if (fs::is_symlink(fs::symlink_status(what))) return;
  std::error_code failure;
  fs::rename(what, what.string() + "-was", failure);
  fs::create_symlink(target, what, failure);
  if (::geteuid() == 0) (void)::lchown(what.c_str(), kStranger, kStranger);
}

std::map<std::string, std::string> everything_in(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    all[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path()) : "directory";
  return all;
}

struct HostileTarget : stillframe::tests::FolderWriterTest {
  const std::string victim = base + "/victim";

  void make_target_and_victim() {
    for (const std::string& one : {folder, victim}) {
      fs::remove_all(one);
      fs::remove_all(one + "-was");
      write_file(one + "/a", "old in " + one);
      write_file(one + "/deep/b", "old in " + one);
    }
  }

  // Restores what `set` holds beneath the folder, and does `deed` at the step of that number;
  // false when there was no such step.
  bool restore_with(const std::string& set, int number, const std::function<void()>& deed) {
    auto source = ChainSource::open(set);
    EXPECT_TRUE(source.ok());
    const auto files = source.value().files_of(0);
    Placement placement;
    for (const auto& [path, stored] : files)
      if (path.size() > folder.size())  // the folder itself is there
        placement.files.push_back({folder, path.substr(folder.size() + 1), &stored, {}, {}});
    auto journal = make_journal(SessionId::generate(), set, 0, placement);
    EXPECT_TRUE(journal.ok());
    FileRestorer restorer(journal.value(), files);
    int step = 0;
    restorer.on_step([&](std::string_view) {
      if (step++ == number) deed();
    });
    auto restored = restorer.run([](std::uint64_t) { return true; });
    // Whether that works after the deed is the stranger's own loss.
    (void)(restored.ok() ? restorer.drop_old() : restorer.put_back());
    return step > number;
  }
};

TEST_F(HostileTarget, NothingIsWrittenOutsideWhateverIsSwappedWhen) {
  const std::string set = full_backup();
  const std::vector<std::pair<std::string, std::string>> swaps{
      {folder, victim},
      {folder + "/deep", victim + "/deep"},
      {folder + "/a", victim + "/a"},
      {folder + "/deep/b", victim + "/deep/b"}};
  for (const auto& [what, target] : swaps) {
    for (int step = 0;; ++step) {
      make_target_and_victim();
      const auto before = everything_in(victim);
      const bool there = restore_with(
          set, step, [&, what = what, target = target] { swap_for_link(what, target); });
      EXPECT_EQ(everything_in(victim), before) << what << " swapped at step " << step;
      if (!there) {
        EXPECT_GT(step, 4) << "the restore has steps to be disturbed at";
        break;
      }
    }
  }
}

TEST_F(HostileTarget, AStrangersLinkToSomebodyElseIsNotFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "a link of another user's takes root to make";
  const std::string set = full_backup();
  make_target_and_victim();
  swap_for_link(folder, victim);
  const auto before = everything_in(victim);
  const Error why = refused(set);
  EXPECT_EQ(why.code(), Errc::access_denied);
  EXPECT_THAT(why.what(), HasSubstr("uid 54321"));
  EXPECT_EQ(everything_in(victim), before);
}

TEST_F(HostileTarget, LinksThatTheirOwnersMayMakeAreFollowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "a link of another user's takes root to make";
  const std::string link = base + "/link", there = base + "/moved";
  fs::create_directory(there);
  fs::create_symlink(there, link);
  EXPECT_TRUE(open_target_root(link, MissingRoot::is_an_error).ok()) << "root's";
  ASSERT_EQ(::lchown(link.c_str(), kStranger, kStranger), 0);
  EXPECT_FALSE(open_target_root(link, MissingRoot::is_an_error).ok()) << "to root's directory";
  ASSERT_EQ(::chown(there.c_str(), kStranger, kStranger), 0);
  auto own = open_target_root(link + "/./", MissingRoot::is_an_error);
  ASSERT_TRUE(own.ok()) << "to a directory of the same user's";
  EXPECT_EQ(own.value().path(), there);
  EXPECT_TRUE(open_target_root(link + "/new/folder", MissingRoot::is_made).ok());
  EXPECT_TRUE(fs::is_directory(there + "/new/folder"));
}

TEST_F(HostileTarget, RoundaboutPathsLeadWhereTheyLead) {
  fs::create_directories(base + "/x/y");
  fs::create_symlink("x/y", base + "/short");
  fs::create_symlink("loop", base + "/loop");
  auto up = open_target_root(base + "/short/..", MissingRoot::is_an_error);
  ASSERT_TRUE(up.ok()) << up.error().what();
  EXPECT_EQ(up.value().path(), base + "/x");
  EXPECT_FALSE(open_target_root(base + "/loop", MissingRoot::is_an_error).ok());
  EXPECT_EQ(open_target_root(base + "/none", MissingRoot::is_an_error).error().code(),
            Errc::not_found);
  EXPECT_FALSE(open_target_root(base + "/none/../x", MissingRoot::is_made).ok());
  EXPECT_TRUE(open_target_root("/", MissingRoot::is_made).ok());
}

// Whoever goes on with a restore moves and removes what its journal says.
TEST_F(HostileTarget, AJournalOfAStrangersIsNotObeyed) {
  if (::geteuid() != 0) GTEST_SKIP() << "a journal of another user's takes root to make";
  RestoreJournal journal;
  journal.session = SessionId::generate();
  ASSERT_TRUE(write_journal(folder, journal).ok());
  ASSERT_TRUE(read_journal(folder).ok());
  const std::string file = folder + "/" + std::string(kRestoreJournalName);
  ASSERT_EQ(::chown(file.c_str(), kStranger, kStranger), 0);
  const auto refused = read_journal(folder);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::access_denied);
  EXPECT_THAT(refused.error().what(), HasSubstr("uid 54321"));
}

}  // namespace
}  // namespace stillframe::requestor

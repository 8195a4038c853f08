// Whole backups and restores against a real coordinator, with a writer in the same process.
#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "requestor/restore/orphan.hpp"
#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;

using BackupRestoreTest = stillframe::tests::FolderWriterTest;

TEST_F(BackupRestoreTest, ComesBackAfterLossAndChange) {
  const std::string set = full_backup();
  ASSERT_FALSE(set.empty());
  write_file(folder + "/a", "changed");
  std::filesystem::remove_all(folder + "/deep");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("stillframe")));
  }
  ASSERT_EQ(writer.restored.size(), 1u);
}

TEST_F(BackupRestoreTest, OddNamesHolesLinksAndAttributesComeBack) {
  const std::string odd = folder + "/\xff\xfe\n name";
  write_file(odd, "odd");
  ASSERT_EQ(link(odd.c_str(), (folder + "/second name").c_str()), 0);
  ASSERT_EQ(symlink("deep/b", (folder + "/link").c_str()), 0);
  ASSERT_EQ(mkdir((folder + "/empty").c_str(), 0751), 0);
  ASSERT_EQ(truncate((folder + "/a").c_str(), 8 << 20), 0);
  ASSERT_EQ(chmod((folder + "/deep/b").c_str(), 0604), 0);
  const bool xattrs = setxattr(odd.c_str(), "user.colour", "blue", 4, 0) == 0;
  const std::string set = full_backup();
  ASSERT_FALSE(set.empty());
  std::filesystem::remove_all(folder);
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();

  EXPECT_EQ(read_file(odd), "odd");
  struct stat one {
  }, two{}, info{};
  ASSERT_EQ(stat(odd.c_str(), &one), 0);
  ASSERT_EQ(stat((folder + "/second name").c_str(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(folder + "/link"), "deep/b");
  ASSERT_EQ(stat((folder + "/empty").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0751u);
  ASSERT_EQ(stat((folder + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 8 << 20);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);
  ASSERT_EQ(stat((folder + "/deep/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0604u);
  char value[8] = {};
  const ssize_t length = getxattr(odd.c_str(), "user.colour", value, sizeof value);
  EXPECT_EQ(length, xattrs ? 4 : -1);
}

// Finds the file bad that says so; and tries to leave a mark, which it must not.
struct MarkingVerifier final : Verifier {
  struct File final : FileVerifier {
    explicit File(std::string folder_to_mark) : folder(std::move(folder_to_mark)) {}
    Status feed(std::span<const std::byte> bytes) override {
      content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      std::ofstream(folder + "/mark") << "was here";
      return Ok{};
    }
    Status finish() override {
      if (content == "bad") return Error(Errc::corrupt, "the page says so");
      return Ok{};
    }
    std::string folder, content;
  };

  std::string name() const override { return "marking"; }
  bool wants(const WriterIdentity& writer, const ComponentName&, const BytePath&) override {
    return writer.name == "Folder";
  }
  Result<std::unique_ptr<FileVerifier>> open(const BytePath&, std::uint64_t) override {
    return std::unique_ptr<FileVerifier>(std::make_unique<File>(folder));
  }
  std::string folder;
};

TEST_F(BackupRestoreTest, VerifiersSeeEveryFileAndTouchNothing) {
  MarkingVerifier verifier;
  verifier.folder = base;
  BackupRequest request;
  request.store = store;
  request.options.type = BackupType::full;
  request.verifiers = {&verifier};
  Client requestor = client();
  auto good = run_backup(requestor, request, observer);
  ASSERT_TRUE(good.ok()) << good.error().what();
  EXPECT_TRUE(good.value().finish.ok()) << good.value().finish.error().what();
  auto set = BackupSet::open(good.value().path);
  ASSERT_TRUE(set.ok()) << set.error().what();
  SetVerifyOptions again;
  again.verifiers = {&verifier};
  auto checked = set.value().verify(again);
  ASSERT_TRUE(checked.ok()) << checked.error().what();
  EXPECT_TRUE(checked.value().problems.empty());

  write_file(folder + "/deep/b", "bad");
  const auto bad = run_backup(requestor, request, observer);
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().what(), HasSubstr("the page says so"));
  EXPECT_FALSE(std::filesystem::exists(base + "/mark"));
}

TEST_F(BackupRestoreTest, SetVerifiesAndRecordsHowItEnded) {
  const auto set = BackupSet::open(full_backup());
  ASSERT_TRUE(set.ok()) << set.error().what();
  const auto verified = set.value().verify({});
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified.value().problems.empty());
  const auto outcome = set.value().outcome();
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  EXPECT_EQ(outcome.value().outcome, "completed");
  const auto document = set.value().document();
  ASSERT_TRUE(document.ok());
  ASSERT_EQ(document.value().components.size(), 1u);
  EXPECT_TRUE(document.value().components[0].succeeded);
}

TEST_F(BackupRestoreTest, MissingLiteralFileFailsItsComponentAndPublishesNothing) {
  writer.pattern = "not-there";
  const auto report = backup(BackupType::full);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().what(), HasSubstr("not-there"));
  const auto sets = list_sets(store);
  EXPECT_TRUE(!sets.ok() || sets.value().empty());
}

TEST_F(BackupRestoreTest, ExcludedFilesAreNotInTheSet) {
  ExcludedFiles scratch;
  scratch.path = folder;
  scratch.pattern = "*.tmp";
  scratch.recursive = true;
  writer.exclude = {scratch};
  write_file(folder + "/deep/x.tmp", "scratch");
  const auto set = BackupSet::open(full_backup());
  ASSERT_TRUE(set.ok());
  for (const auto& file : set.value().manifest().files) {
    EXPECT_THAT(file.path, ::testing::Not(HasSubstr(".tmp")));
  }
}

TEST_F(BackupRestoreTest, PartialFilesBringBackTheirRangesOnly) {
  const std::string set_full = full_backup();
  writer.after_snapshot = [&](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges = {{0, 7}};
    view.components[0].partial_files = {partial};
  };
  const auto report = backup(BackupType::full);
  ASSERT_TRUE(report.ok()) << report.error().what();
  write_file(folder + "/a", "?????????????????");
  const auto outcome = restore(report.value().path);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(folder + "/a"), "content??????????");
}

TEST_F(BackupRestoreTest, MapsToAnotherFolderWhenAsked) {
  const std::string set = full_backup();
  const auto outcome = restore(set, [&](RestoreRequest& request) {
    request.moves = {{folder, base + "/elsewhere"}};
  });
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_EQ(read_file(base + "/elsewhere/deep/b"), "content of b");
}

TEST_F(BackupRestoreTest, SymlinkPutInPlaceOfAFolderIsNotFollowed) {
  const std::string set = full_backup();
  std::filesystem::remove_all(folder + "/deep");
  std::filesystem::create_directories(base + "/outside");
  std::filesystem::create_symlink(base + "/outside", folder + "/deep");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  EXPECT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
  EXPECT_TRUE(std::filesystem::is_empty(base + "/outside"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder + "/deep"));
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

TEST_F(BackupRestoreTest, DamagedSetPutsTheOldFilesBack) {
  const std::string set = full_backup();
  write_file(set + "/data" + folder + "/deep/b", "CONTENT of b");
  write_file(folder + "/a", "precious");
  const auto outcome = restore(set);
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_FALSE(outcome.value().finish.ok());
  EXPECT_EQ(outcome.value().finish.error().code(), Errc::corrupt);
  EXPECT_EQ(read_file(folder + "/a"), "precious");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

// Pipes and devices come back without content; a socket is noted and left to its program.
TEST_F(BackupRestoreTest, SpecialFilesAreNotedToldAndMadeAgain) {
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0620), 0);
  ASSERT_EQ(chmod((folder + "/pipe").c_str(), 0620), 0);
  const bool devices = mknod((folder + "/null").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT((folder + "/s").size(), sizeof address.sun_path);
  std::strcpy(address.sun_path, (folder + "/s").c_str());
  ASSERT_EQ(bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(listening);
  // Read live: providers that copy leave sockets out of their snapshots.
  Component live;
  live.name = {"", "files"};
  live.files = {writer.all_files()};
  live.files[0].mask.bits = TypeMask::kFullRequired;
  writer.components = {live};

  BackupRequest request;
  request.store = store;
  request.options.type = BackupType::full;
  Client requestor = client();
  const auto report = run_backup(requestor, request, observer);
  ASSERT_TRUE(report.ok()) << report.error().what();
  EXPECT_TRUE(report.value().finish.ok());
  EXPECT_EQ(report.value().special_files.size(), devices ? 3u : 2u);
  ASSERT_EQ(observer.warnings.size(), 1u);
  EXPECT_THAT(observer.warnings[0], HasSubstr("special files"));
  EXPECT_THAT(observer.warnings[0], HasSubstr("/pipe"));
  const auto set = BackupSet::open(report.value().path);
  ASSERT_TRUE(set.ok());
  EXPECT_TRUE(set.value().verify({}).value().problems.empty());

  std::filesystem::remove_all(folder);
  observer.warnings.clear();
  restored(report.value().path);
  struct stat info {};
  ASSERT_EQ(lstat((folder + "/pipe").c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0620u);
  EXPECT_NE(lstat((folder + "/s").c_str(), &info), 0);
  std::string told;
  for (const std::string& warning : observer.warnings) told += warning + "\n";
  EXPECT_THAT(told, HasSubstr("/s'"));
  if (!devices) GTEST_SKIP() << "this user may not make devices: theirs were not tried";
  ASSERT_EQ(lstat((folder + "/null").c_str(), &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
  EXPECT_EQ(info.st_rdev, makedev(1, 3));
}

TEST_F(BackupRestoreTest, SimulationChangesNothingAndSaysWhatItWouldDo) {
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  const auto outcome = restore(set, [](RestoreRequest& request) { request.simulate = true; });
  ASSERT_TRUE(outcome.ok()) << outcome.error().what();
  ASSERT_EQ(outcome.value().plan.size(), 1u);
  EXPECT_GE(outcome.value().plan[0].files.size(), 2u);
  EXPECT_EQ(read_file(folder + "/a"), "changed");
  EXPECT_TRUE(writer.restored.empty());
}

TEST_F(BackupRestoreTest, ExtractionNeedsNoWriterAndReplacesNothing) {
  const std::string set = full_backup();
  coordinator.reset();
  const auto extracted = extract_set(set, base + "/out", observer);
  ASSERT_TRUE(extracted.ok()) << extracted.error().what();
  EXPECT_EQ(read_file(base + "/out" + folder + "/a"), "content of a");
  EXPECT_EQ(extract_set(set, base + "/out", observer).error().code(), Errc::already_exists);
}

TEST_F(BackupRestoreTest, StopRequestCancelsAndLeavesNothing) {
  std::stop_source stop;
  stop.request_stop();
  BackupRequest request;
  request.store = store;
  Client requestor = client();
  const auto report = run_backup(requestor, request, observer, stop.get_token());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), Errc::cancelled);
  const auto sets = list_sets(store);
  EXPECT_TRUE(!sets.ok() || sets.value().empty());
}

}  // namespace
}  // namespace stillframe::requestor

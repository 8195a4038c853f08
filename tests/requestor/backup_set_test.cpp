#include <gmock/gmock.h>

#include "tests/requestor/store_fixture.hpp"

namespace stillframe::requestor {
namespace {

using ::testing::HasSubstr;

struct BackupSetTest : tests::StoreFixture {
  const std::string folder = publish_example();

  std::vector<SetProblem> problems() {
    const auto set = BackupSet::open(folder);
    EXPECT_TRUE(set.ok()) << set.error().what();
    auto verified = set.value().verify({});
    EXPECT_TRUE(verified.ok());
    return std::move(verified).value().problems;
  }
};

TEST_F(BackupSetTest, UntouchedSetVerifies) {
  const auto set = BackupSet::open(folder);
  ASSERT_TRUE(set.ok());
  const auto verified = set.value().verify({});
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified.value().problems.empty());
  EXPECT_EQ(verified.value().files, 2u);
  EXPECT_EQ(verified.value().bytes, 24u);
}

TEST_F(BackupSetTest, ChangedMissingAndForeignFilesAreEachReported) {
  overwrite(folder + "/data/srv/a", "CONTENT OF A");
  std::filesystem::remove(folder + "/data/srv/deep/b");
  overwrite(folder + "/data/srv/stranger", "hello");
  const auto found = problems();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].path, "/srv/a");
  EXPECT_THAT(found[0].message, HasSubstr("SHA-256"));
  EXPECT_EQ(found[1].path, "/srv/deep/b");
  EXPECT_EQ(found[1].code, Errc::not_found);
  EXPECT_EQ(found[2].path, "/srv/stranger");
}

TEST_F(BackupSetTest, LinkInPlaceOfAStoredFileIsNotFollowed) {
  std::filesystem::rename(folder + "/data/srv/a", temporary.path() + "/same");
  std::filesystem::create_symlink(temporary.path() + "/same", folder + "/data/srv/a");
  EXPECT_EQ(problems().size(), 1u);
}

TEST_F(BackupSetTest, ShorterAndLongerFilesAreReported) {
  overwrite(folder + "/data/srv/a", "content of");
  overwrite(folder + "/data/srv/deep/b", "content of b and more");
  EXPECT_EQ(problems().size(), 2u);
}

TEST_F(BackupSetTest, ManifestThatIsNotTheReceiptsIsRefused) {
  std::string manifest = read(folder + "/manifest.json");
  const auto at = manifest.find("\"host\": \"test\"");
  ASSERT_NE(at, std::string::npos);
  manifest.replace(at, 14, "\"host\": \"evil\"");
  overwrite(folder + "/manifest.json", manifest);
  const auto set = BackupSet::open(folder);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::corrupt);
  const auto sets = list_sets(store);
  ASSERT_TRUE(sets.ok());
  ASSERT_EQ(sets.value().size(), 1u);
  EXPECT_FALSE(sets.value()[0].problem.empty()) << "damaged sets are listed with their problem";
}

TEST_F(BackupSetTest, ChangedDocumentIsRefusedWhenReadAndWhenVerified) {
  overwrite(folder + "/documents/backup.json", "{}");
  const auto set = BackupSet::open(folder);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set.value().document().error().code(), Errc::corrupt);
  EXPECT_EQ(problems().size(), 1u);
}

TEST_F(BackupSetTest, OutcomeIsAppendedWithoutTouchingTheSet) {
  const auto set = BackupSet::open(folder);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set.value().outcome().error().code(), Errc::not_found);
  SetOutcome outcome;
  outcome.outcome = "completed";
  outcome.finished = WallTime(Duration(5));
  ASSERT_TRUE(set.value().write_outcome(outcome).ok());
  const auto back = set.value().outcome();
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value().outcome, "completed");
  EXPECT_TRUE(problems().empty());
}

TEST_F(BackupSetTest, VerificationCanBeCancelled) {
  SetVerifyOptions options;
  options.progress = [](std::uint64_t) { return false; };
  const auto verified = BackupSet::open(folder).value().verify(options);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().code(), Errc::cancelled);
}

TEST_F(BackupSetTest, IsFoundByItsId) {
  const auto id = BackupSet::open(folder).value().manifest().backup;
  const auto found = find_set(store, id);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value().path(), folder);
  EXPECT_EQ(find_set(store, BackupId::generate()).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace stillframe::requestor

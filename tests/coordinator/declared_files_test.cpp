// What a writer declares, and what becomes of a set when somebody objects to it.
#include "framework/coordinator/session/declared_files.hpp"

#include <mutex>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using namespace coordinator;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

SnapshotInfo snapshot(const BytePath& mount_point, const BytePath& root) {
  SnapshotInfo info;
  info.volume.mount_point = mount_point;
  info.root = root;
  return info;
}

TEST(DeclaredFiles, AreEveryFileSetAndWhereItIsReadInstead) {
  WriterMetadata metadata;
  Component& component = metadata.components.emplace_back();
  component.name = {"Stores", "EU"};
  FileSet files;
  files.path = "/srv/mail/";
  files.pattern = "*.db";
  files.recursive = true;
  files.alternate_path = "/srv/$$spit";
  component.files.push_back(files);
  files.alternate_path.reset();
  files.path = "/srv/log";
  files.pattern = "log.1";
  files.recursive = false;
  component.files.push_back(files);
  files.path = "$NO_SUCH_VARIABLE_OF_THIS_TEST/x";
  component.files.push_back(files);
  EXPECT_THAT(declared_files(metadata, 0),
              ElementsAre(DeclaredFiles{"Stores/EU", "/srv/mail", "*.db", true},
                          DeclaredFiles{"Stores/EU", "/srv/$spit", "*.db", true},
                          DeclaredFiles{"Stores/EU", "/srv/log", "log.1", false}));
}

TEST(DeclaredFiles, AlsoThoseThatAWriterAddsLater) {
  BackupComponent component;
  component.name = {"", "mail"};
  PartialFile partial;
  partial.path = "/srv/mail";
  partial.name = "big";
  partial.ranges_file = "/tmp/ranges";
  component.partial_files = {partial};
  DifferencedFiles changed;
  changed.path = "/srv/log";
  changed.pattern = "*";
  component.differenced_files = {changed};
  EXPECT_THAT(added_files(component, 0),
              ElementsAre(DeclaredFiles{"mail", "/srv/mail", "big", false},
                          DeclaredFiles{"mail", "/tmp", "ranges", false},
                          DeclaredFiles{"mail", "/srv/log", "*", false}));
}

TEST(DeclaredFiles, AreFoundInTheSnapshotsOfTheirVolumes) {
  const std::vector<SnapshotInfo> snapshots{snapshot("/", "/s/1"), snapshot("/srv", "/s/2"),
                                            snapshot("/srv/mail/big", "/s/3")};
  const auto placed =
      in_snapshots({{"c", "/srv/mail", "*", true}, {"c", "/srvx", "a", false}}, snapshots);
  EXPECT_THAT(placed, UnorderedElementsAre(
                          Pair("/s/1", ElementsAre(DeclaredFiles{"c", "srvx", "a", false})),
                          Pair("/s/2", ElementsAre(DeclaredFiles{"c", "mail", "*", true})),
                          Pair("/s/3", ElementsAre(DeclaredFiles{"c", "", "*", true}))));
  EXPECT_THAT(in_snapshots({{"c", "/srv", "*", false}}, {}), IsEmpty());
}

class DeclaredFilesTest : public CoordinatorFixture {
 protected:
  struct Asked {
    std::string root;
    bool in_snapshot = false;
    std::vector<DeclaredFiles> files;
  };

  // Objects to what is asked about live files, or about those of a snapshot.
  void object(bool to_live, bool to_snapshot) {
    seams_.file_rules.apply_to = [](const WriterLink& writer) {
      return writer.identity().name == "judged";
    };
    seams_.file_rules.check = [=, this](const WriterLink&, const BytePath& root, bool in_snapshot,
                                        const std::vector<DeclaredFiles>& files) -> Status {
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back({root, in_snapshot, files});
      }
      if (in_snapshot ? to_snapshot : to_live) return Error(Errc::access_denied, "not yours");
      return Ok{};
    };
  }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  std::mutex mutex_;
  std::vector<Asked> asked_;
};

TEST_F(DeclaredFilesTest, AreAskedAboutBeforeTheBackupAndInItsSnapshot) {
  const std::string volume = make_volume("one");
  add_writer({"judged", volume});
  add_writer({"trusted", volume});
  add_provider();
  object(false, false);
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_EQ(asked().size(), 1u) << "the other writer is not judged";
  EXPECT_EQ(asked()[0].root, "/");
  EXPECT_FALSE(asked()[0].in_snapshot);
  ASSERT_FALSE(asked()[0].files.empty());
  EXPECT_EQ(asked()[0].files[0].directory, volume);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_EQ(asked().size(), 2u);
  EXPECT_TRUE(asked()[1].in_snapshot);
  EXPECT_EQ(asked()[1].root, set.value().snapshots.at(0).root);
  EXPECT_EQ(asked()[1].files.at(0).directory, "");
}

TEST_F(DeclaredFilesTest, AWriterThatMayNotIsOutOfTheSession) {
  const std::string volume = make_volume("one");
  add_writer({"judged", volume});
  add_writer({"trusted", volume});
  add_provider();
  object(true, false);
  start();
  Client requestor = client();
  auto session = requestor.begin_backup(BackupOptions{});
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto writers = session.value().gather();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  for (const WriterStatus& writer : writers.value()) {
    const bool judged = writer.identity.name == "judged";
    EXPECT_EQ(writer.failure.has_value(), judged) << writer.identity.name;
    if (!judged) continue;
    EXPECT_EQ(writer.failure->code, static_cast<int>(Errc::access_denied));
    EXPECT_THAT(writer.failure->message, HasSubstr("not yours"));
    EXPECT_FALSE(writer.metadata.has_value());
  }
}

// Swapped between the question and the cut: nobody is given the set, and nothing of it is left.
TEST_F(DeclaredFilesTest, ASetThatHoldsWhatItsWriterMayNotReadIsGivenToNobody) {
  add_writer({"judged", make_volume("one")});
  auto& provider = add_provider();
  object(false, true);
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::access_denied);
  EXPECT_THAT(set.error().what(), HasSubstr("not yours"));
  stop();
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
}

}  // namespace
}  // namespace stillframe

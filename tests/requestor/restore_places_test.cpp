// Who decides where a restored file goes, through a real coordinator: directed targets, new
// targets, restore targets, another instance of the writer, members of a component set.
#include <gmock/gmock.h>

#include "tests/requestor/folder_writer.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::FolderWriter;
using stillframe::tests::read_file;
using stillframe::tests::write_file;
using ::testing::HasSubstr;

struct RestorePlacesTest : stillframe::tests::FolderWriterTest {
  DirectedTarget directed(const std::string& from, const std::string& folder_to,
                          const std::string& to) const {
    DirectedTarget target;
    target.source_path = folder;
    target.source_name = from;
    target.destination_path = folder_to;
    target.destination_name = to;
    return target;
  }
  void direct(std::vector<DirectedTarget> targets) {
    writer.before_restore = [targets = std::move(targets)](RestoreView& view) {
      view.components[0].restore->target = RestoreTarget::directed;
      view.components[0].restore->directed_targets = targets;
    };
  }
};

TEST_F(RestorePlacesTest, DirectedTargetRenamesAFile) {
  const std::string set = full_backup();
  write_file(folder + "/a", "untouched");
  direct({directed("a", base + "/import", "from-backup")});
  restored(set);
  EXPECT_EQ(read_file(base + "/import/from-backup"), "content of a");
  EXPECT_EQ(read_file(folder + "/a"), "untouched");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b") << "the rest follows the method";
}

TEST_F(RestorePlacesTest, DirectedRangesMoveWithinAFile) {
  const std::string set = full_backup();
  write_file(base + "/import/page", "................");
  DirectedTarget target = directed("a", base + "/import", "page");
  target.source_ranges = {{0, 7}, {11, 1}};
  target.destination_ranges = {{8, 7}, {0, 1}};
  direct({target});
  restored(set);
  EXPECT_EQ(read_file(base + "/import/page"), "a.......content.");
}

// Each of several versions of a file is only a part of it.
TEST_F(RestorePlacesTest, DirectedRangesSeeAWholeChain) {
  full_backup();
  write_file(folder + "/a", "CONTENT of a");
  writer.after_snapshot = [this](BackupView& view) {
    PartialFile partial;
    partial.path = folder;
    partial.name = "a";
    partial.ranges = {{0, 4}};
    view.components[0].partial_files = {partial};
  };
  const std::string increment = backup_set(BackupType::incremental);
  DirectedTarget target = directed("a", base + "/import", "page");
  target.source_ranges = {{0, 12}};
  target.destination_ranges = {{0, 12}};
  direct({target});
  write_file(base + "/import/page", "............");
  restored(increment);
  EXPECT_EQ(read_file(base + "/import/page"), "CONTent of a");
}

TEST_F(RestorePlacesTest, DirectedTargetOfAFileThatIsNotInTheSetIsRefused) {
  const std::string set = full_backup();
  write_file(folder + "/a", "untouched");
  direct({directed("never-was", base + "/import", "x")});
  EXPECT_EQ(refused(set).code(), Errc::not_found);
  EXPECT_EQ(read_file(folder + "/a"), "untouched");
}

TEST_F(RestorePlacesTest, AlternateTargetOfTheWriterUsesTheMapping) {
  writer.mappings = {{folder, "*", true, base + "/mapped", {}}};
  const std::string set = full_backup();
  write_file(folder + "/a", "untouched");
  writer.before_restore = [](RestoreView& view) {
    view.components[0].restore->target = RestoreTarget::alternate;
  };
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "untouched");
  EXPECT_EQ(read_file(base + "/mapped/deep/b"), "content of b");
}

TEST_F(RestorePlacesTest, OriginalLocationBeatsTheMethod) {
  writer.policy.method = RestoreMethod::restore_to_alternate_location;
  writer.mappings = {{folder, "*", true, base + "/mapped", {}}};
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  writer.before_restore = [](RestoreView& view) {
    view.components[0].restore->target = RestoreTarget::original_location;
  };
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
}

TEST_F(RestorePlacesTest, NewTargetOfTheRequestorBeatsTheMapping) {
  writer.policy.method = RestoreMethod::restore_to_alternate_location;
  writer.mappings = {{folder, "*", true, base + "/mapped", {}}};
  const std::string set = full_backup();
  restored(set, [this](RestoreRequest& request) { request.moves = {{folder, base + "/chosen"}}; });
  EXPECT_EQ(read_file(base + "/chosen/a"), "content of a");
  EXPECT_FALSE(std::filesystem::exists(base + "/mapped"));
  ASSERT_EQ(writer.restored.size(), 1u);
  EXPECT_EQ(writer.restored[0].components[0].restore->new_targets.size(), 1u);
}

TEST_F(RestorePlacesTest, WriterThatCannotCopeWithNewTargetsIsNotGivenAny) {
  writer.schema = BackupSchema::kCopy;
  const std::string set = full_backup();
  const auto outcome = restore(set, [this](RestoreRequest& request) {
    request.moves = {{folder, base + "/chosen"}};
  });
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::not_supported);
  EXPECT_TRUE(writer.restored.empty());
  EXPECT_FALSE(std::filesystem::exists(base + "/chosen"));
}

TEST_F(RestorePlacesTest, NewTargetMayHaveADollarSignInItsName) {
  const std::string set = full_backup();
  restored(set, [this](RestoreRequest& request) { request.moves = {{folder, base + "/$HOME"}}; });
  EXPECT_EQ(read_file(base + "/$HOME/a"), "content of a");
}

// Two files that new targets send to one place: the second would silently replace the first.
TEST_F(RestorePlacesTest, TwoFilesForOnePlaceAreRefused) {
  const std::string set = full_backup();
  write_file(folder + "/a", "untouched");
  direct({directed("a", base + "/import", "same"), [this] {
            DirectedTarget target = directed("b", base + "/import", "same");
            target.source_path = folder + "/deep";
            return target;
          }()});
  EXPECT_EQ(refused(set).code(), Errc::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(base + "/import/same"));
}

struct TwoInstances : RestorePlacesTest {
  FolderWriter other{base + "/other", "other"};
  void SetUp() override {
    RestorePlacesTest::SetUp();
    write_file(base + "/other/x", "of the other");
    ASSERT_TRUE(coordinator->add_writer(other).ok());
  }
};

TEST_F(TwoInstances, ComponentIsHandedToTheInstanceThatWasNamed) {
  const std::string set = full_backup();
  restored(set, [this](RestoreRequest& request) {
    request.components = {"folder:files"};
    request.target_instance = "other";
    request.moves = {{folder, base + "/other"}};
  });
  EXPECT_EQ(read_file(base + "/other/a"), "content of a");
  EXPECT_TRUE(writer.restored.empty());
  ASSERT_EQ(other.restored.size(), 1u);
}

TEST_F(TwoInstances, WriterThatDidNotPromiseMovesIsNotGivenOne) {
  writer.schema = BackupSchema::kCopy;
  const std::string set = full_backup();
  const auto outcome = restore(set, [](RestoreRequest& request) {
    request.components = {"folder:files"};
    request.target_instance = "other";
  });
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::not_supported);
}

TEST_F(TwoInstances, InstanceThatIsNotThereIsNamed) {
  const std::string set = full_backup();
  const auto outcome = restore(set, [](RestoreRequest& request) {
    request.components = {"folder:files"};
    request.target_instance = "nobody";
  });
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::writer_gone);
  EXPECT_THAT(outcome.error().what(), HasSubstr("nobody"));
}

// A set of two members, of which one comes back alone.
struct ComponentSetTest : RestorePlacesTest {
  void SetUp() override {
    RestorePlacesTest::SetUp();
    Component head;
    head.name = {"", "store"};
    Component top;
    top.name = {"store", "top"};
    top.selectable_for_backup = false;
    top.selectable_for_restore = true;
    top.files = {writer.all_files()};
    top.files[0].recursive = false;
    Component deep = top;
    deep.name = {"store", "deep"};
    deep.selectable_for_restore = false;
    deep.files[0].path = folder + "/deep";
    writer.components = {head, top, deep};
  }
};

TEST_F(ComponentSetTest, MembersComeBackWithTheirHead) {
  const std::string set = full_backup();
  std::filesystem::remove_all(folder);
  restored(set);
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "content of b");
}

TEST_F(ComponentSetTest, OneMemberComesBackAlone) {
  const std::string set = full_backup();
  write_file(folder + "/a", "changed");
  write_file(folder + "/deep/b", "stays");
  restored(set, [](RestoreRequest& request) {
    request.subcomponents = {{"store", {"store", "top"}}};
  });
  EXPECT_EQ(read_file(folder + "/a"), "content of a");
  EXPECT_EQ(read_file(folder + "/deep/b"), "stays");
  ASSERT_EQ(writer.restored.size(), 1u);
  EXPECT_EQ(writer.restored[0].components[0].restore->subcomponents.size(), 1u);
}

TEST_F(ComponentSetTest, MemberThatOnlyComesWithItsHeadIsRefused) {
  const std::string set = full_backup();
  const auto outcome = restore(set, [](RestoreRequest& request) {
    request.subcomponents = {{"store", {"store", "deep"}}};
  });
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace stillframe::requestor

#include "framework/model/restore_selection.hpp"

#include <gmock/gmock.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RestoreSelectionTest : public testing::Test {
 protected:
  void backed_up(std::initializer_list<ComponentName> names) {
    entries_.clear();
    for (const ComponentName& name : names) entries_.emplace_back().name = name;
  }
  Status select(const std::vector<std::string>& names) {
    return select_for_restore(writer_, entries_, names);
  }
  std::vector<std::string> selected() const {
    std::vector<std::string> out;
    for (const auto& entry : entries_) {
      if (!entry.restore || !entry.restore->selected) continue;
      std::string text = entry.name.full();
      for (const auto& sub : entry.restore->subcomponents) text += ">" + sub.full();
      out.push_back(text);
    }
    return out;
  }
  std::vector<std::string> members(std::size_t entry) const {
    auto found = restored_members(writer_, entries_[entry]);
    if (!found.ok()) return {"error: " + found.error().what()};
    std::vector<std::string> out;
    for (std::size_t i : found.value()) out.push_back(writer_.components[i].name.full());
    return out;
  }
  void expect_refused(const std::vector<std::string>& names, const std::string& says) {
    const auto before = entries_;
    Status refused = select(names);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().what(), HasSubstr(says));
    EXPECT_EQ(entries_, before);
  }

  WriterMetadata writer_ = tests::library_writer();
  std::vector<BackupComponent> entries_;
};

TEST_F(RestoreSelectionTest, WhatWasExplicitComesBackAloneWhateverItsFlag) {
  backed_up({{"", "Settings"}, {"", "Queue"}, {"", "Shelves"}});
  ASSERT_TRUE(select({"Settings", "Shelves"}).ok());
  EXPECT_THAT(selected(), ElementsAre("Settings", "Shelves"));
  EXPECT_THAT(members(2), ElementsAre("Shelves", "Shelves/Fiction", "Shelves/Science",
                                      "Shelves/Science/Catalogue"));
  EXPECT_THAT(members(0), ElementsAre("Settings"));
}

TEST_F(RestoreSelectionTest, AMemberComesBackThroughItsNearestExplicitAncestor) {
  backed_up({{"", "Settings"}, {"", "Shelves"}});
  ASSERT_TRUE(select({"Shelves/Fiction"}).ok());
  EXPECT_THAT(selected(), ElementsAre("Shelves>Shelves/Fiction"));
  EXPECT_THAT(members(1), ElementsAre("Shelves/Fiction"));
  ASSERT_TRUE(select({"Shelves/Science", "Shelves/Fiction", "Shelves/Science"}).ok());
  EXPECT_THAT(selected(), ElementsAre("Shelves>Shelves/Science>Shelves/Fiction"));
  EXPECT_THAT(members(1),
              ElementsAre("Shelves/Fiction", "Shelves/Science", "Shelves/Science/Catalogue"));
}

TEST_F(RestoreSelectionTest, WhatWasBackedUpAloneIsSelectedItself) {
  backed_up({{"", "Settings"}, {"Shelves", "Science"}});
  ASSERT_TRUE(select({"Shelves/Science"}).ok());
  EXPECT_THAT(selected(), ElementsAre("Shelves/Science"));
  expect_refused({"Shelves/Fiction"}, "was not backed up");
}

TEST_F(RestoreSelectionTest, AMemberThatIsNotSelectableOnlyComesBackWithItsHead) {
  backed_up({{"", "Shelves"}});
  expect_refused({"Shelves/Science/Catalogue"}, "only comes back together with 'Shelves'");
}

TEST_F(RestoreSelectionTest, WholeAndInPartAtOnceIsRefused) {
  backed_up({{"", "Shelves"}});
  expect_refused({"Shelves", "Shelves/Fiction"}, "whole and in part");
  expect_refused({"Shelves/Fiction", "Shelves"}, "whole and in part");
}

TEST_F(RestoreSelectionTest, UnknownNamesAreRefusedAndANewSelectionReplacesTheOld) {
  backed_up({{"", "Queue"}, {"", "Shelves"}});
  expect_refused({"Cellar"}, "holds no component 'Cellar'");
  ASSERT_TRUE(select({"Queue"}).ok());
  ASSERT_TRUE(select({"Shelves/Fiction"}).ok());
  EXPECT_THAT(selected(), ElementsAre("Shelves>Shelves/Fiction"));
}

TEST_F(RestoreSelectionTest, SubcomponentsThatAreNoMembersAreRefused) {
  backed_up({{"", "Shelves"}, {"", "Gone"}});
  entries_[0].restore.emplace().subcomponents = {{"", "Queue"}};
  EXPECT_THAT(members(0), ElementsAre(HasSubstr("'Queue' is no member of component 'Shelves'")));
  EXPECT_THAT(members(1), ElementsAre(HasSubstr("has no component 'Gone'")));
}

TEST_F(RestoreSelectionTest, WhatAWriterDidNotPromiseIsNotAskedOfIt) {
  struct Row {
    std::uint32_t bit;
    std::string what;
    void (*ask)(ComponentRestore&);
    std::string instance;
  };
  const Row rows[] = {
      {BackupSchema::kNewTarget, "new targets",
       [](ComponentRestore& r) { r.new_targets.emplace_back(); }, ""},
      {BackupSchema::kRollForward, "rolling forward",
       [](ComponentRestore& r) { r.roll_forward = RollForward::all; }, ""},
      {BackupSchema::kRestoreRename, "another name",
       [](ComponentRestore& r) { r.restore_name = "copy"; }, ""},
      {BackupSchema::kAuthoritativeRestore, "authoritative",
       [](ComponentRestore& r) { r.authoritative = true; }, ""},
      {BackupSchema::kRestoreWithMove, "another instance", [](ComponentRestore&) {}, "library-2"},
  };
  for (const Row& row : rows) {
    backed_up({{"", "Queue"}});
    entries_[0].instance_name = "library-1";
    row.ask(entries_[0].restore.emplace());
    writer_.schema.bits = 0;
    const Status refused = check_restore_request(writer_, entries_[0], row.instance);
    ASSERT_FALSE(refused.ok()) << row.what;
    EXPECT_EQ(refused.error().code(), Errc::not_supported);
    EXPECT_THAT(refused.error().what(), HasSubstr(row.what));
    writer_.schema.bits = row.bit;
    EXPECT_TRUE(check_restore_request(writer_, entries_[0], row.instance).ok()) << row.what;
  }
  writer_.schema.bits = 0;
  backed_up({{"", "Queue"}});
  EXPECT_TRUE(check_restore_request(writer_, entries_[0]).ok());
  entries_[0].restore.emplace().roll_forward = RollForward::none;
  EXPECT_TRUE(check_restore_request(writer_, entries_[0], entries_[0].instance_name).ok());
}

TEST(WriterVersion, AnotherMajorVersionIsRefusedAndANewerMinorOneNoted) {
  WriterIdentity stored, live;
  EXPECT_EQ(stored.version, (Version{0, 0}));
  stored.name = "Library";
  EXPECT_EQ(check_writer_version(stored, live).value(), "");
  stored.version = {2, 7};
  live.version = {2, 9};
  EXPECT_EQ(check_writer_version(stored, live).value(), "");
  live.version = {2, 6};
  EXPECT_THAT(check_writer_version(stored, live).value(), HasSubstr("version 2.7"));
  for (const Version& other : {Version{1, 9}, Version{3, 0}}) {
    live.version = other;
    auto refused = check_writer_version(stored, live);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::not_supported);
    EXPECT_THAT(refused.error().what(), HasSubstr("'Library' in version 2.7"));
  }
}

TEST(RestoreEvents, AWriterHearsOnlyWhatItWants) {
  RestorePolicy policy;
  policy.events = RestoreEvents::never;
  EXPECT_FALSE(wants_pre_restore(policy) || wants_post_restore(policy, true));
  policy.events = RestoreEvents::if_replace_fails;
  EXPECT_TRUE(wants_pre_restore(policy));
  EXPECT_FALSE(wants_post_restore(policy, false));
  EXPECT_TRUE(wants_post_restore(policy, true));
  policy.events = RestoreEvents::always;
  EXPECT_TRUE(wants_pre_restore(policy) && wants_post_restore(policy, false));
}

}  // namespace
}  // namespace stillframe

#include "framework/model/selection.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ComponentSelector selector(std::string writer, std::string component) {
  ComponentSelector s;
  s.writer = std::move(writer);
  s.component = std::move(component);
  return s;
}

class SelectionTest : public testing::Test {
 protected:
  Result<Selection> select(const std::vector<ComponentSelector>& selectors,
                           const std::vector<std::string>& exclude = {}) {
    return select_components(writers_, selectors, exclude);
  }

  std::string name(std::size_t writer, std::size_t component) const {
    return writers_[writer]->components[component].name.full();
  }
  std::vector<std::string> explicit_names(const Selection& selection) const {
    std::vector<std::string> out;
    for (const auto& c : selection.components) out.push_back(name(c.writer, c.component));
    return out;
  }
  std::vector<std::string> implicit_names(const Selection& selection) const {
    std::vector<std::string> out;
    for (const auto& c : selection.components) {
      for (std::size_t member : c.implicit) out.push_back(name(c.writer, member));
    }
    return out;
  }
  std::vector<std::string> left_out(const Selection& selection) const {
    std::vector<std::string> out;
    for (const auto& c : selection.left_out) {
      if (c.writer == 0) out.push_back(name(c.writer, c.component));
    }
    return out;
  }

  void expect_refused(const std::vector<ComponentSelector>& selectors, Errc code,
                      const std::string& says) {
    auto selection = select(selectors);
    ASSERT_FALSE(selection.ok());
    EXPECT_EQ(selection.error().code(), code) << selection.error().what();
    EXPECT_THAT(selection.error().what(), HasSubstr(says));
  }

  WriterMetadata library_ = tests::library_writer();
  WriterMetadata shop_ = tests::shop_writer();
  std::vector<const WriterMetadata*> writers_{&library_, &shop_};
};

TEST_F(SelectionTest, EverythingOfAWriterIsItsTopLevelAndWhatComesWithIt) {
  auto selection = select({selector("Library", "*")});
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Settings", "Queue", "Shelves"));
  EXPECT_THAT(implicit_names(selection.value()),
              ElementsAre("Shelves/Fiction", "Shelves/Science", "Shelves/Science/Catalogue"));
  EXPECT_THAT(left_out(selection.value()), ElementsAre());
}

TEST_F(SelectionTest, ASetHeadBringsItsWholeSetAndTheMandatoryComponent) {
  auto selection = select({selector("Library", "Shelves")});
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Settings", "Shelves"));
  EXPECT_TRUE(selection.value().components[0].mandatory);
  EXPECT_FALSE(selection.value().components[1].mandatory);
  EXPECT_THAT(implicit_names(selection.value()),
              ElementsAre("Shelves/Fiction", "Shelves/Science", "Shelves/Science/Catalogue"));
  EXPECT_THAT(left_out(selection.value()), ElementsAre("Queue"));
}

TEST_F(SelectionTest, AMemberThatIsSelectableCanStandAlone) {
  auto selection = select({selector("Library", "Shelves/Science")});
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Settings", "Shelves/Science"));
  EXPECT_THAT(implicit_names(selection.value()), ElementsAre("Shelves/Science/Catalogue"));
  EXPECT_THAT(left_out(selection.value()), ElementsAre("Queue", "Shelves", "Shelves/Fiction"));
}

TEST_F(SelectionTest, AComponentOutsideAnySetStandsAloneBesideTheMandatoryOne) {
  auto selection = select({selector("Library", "Queue")});
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Settings", "Queue"));
  EXPECT_THAT(implicit_names(selection.value()), ElementsAre());
}

TEST_F(SelectionTest, AMemberThatIsNotSelectableIsRefusedAndItsHeadIsNamed) {
  expect_refused({selector("Library", "Shelves/Fiction")}, Errc::invalid_argument,
                 "only ever backed up together with 'Shelves'");
  expect_refused({selector("Library", "Shelves/Science/Catalogue")}, Errc::invalid_argument,
                 "together with 'Shelves/Science'");
}

TEST_F(SelectionTest, AMemberBesideItsHeadIsRefused) {
  expect_refused({selector("", "Shelves"), selector("", "Shelves/Science")}, Errc::invalid_argument,
                 "already comes with 'Shelves'");
}

TEST_F(SelectionTest, APrefixTakesTheTopmostSelectableComponentsBeneathIt) {
  auto selection = select({selector("", "Shelves/")});
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Settings", "Shelves/Science"));
  EXPECT_THAT(implicit_names(selection.value()), ElementsAre("Shelves/Science/Catalogue"));
  for (const auto& out : selection.value().left_out) {
    if (name(out.writer, out.component) == "Shelves/Fiction") {
      EXPECT_EQ(out.reason, "only backed up together with 'Shelves'");
    }
  }
  expect_refused({selector("", "Shelves/Science/")}, Errc::not_found, "no component beneath it");
  expect_refused({selector("", "Nowhere/")}, Errc::not_found, "no component beneath it");
}

TEST_F(SelectionTest, ANameThatFitsNothingIsAnError) {
  expect_refused({selector("Library", "Shelf")}, Errc::not_found, "no such component");
  expect_refused({selector("Libary", "*")}, Errc::not_found,
                 "no such writer; there are Library (library-1), Shop (shop-1)");
  expect_refused({selector("Library", "")}, Errc::invalid_argument, "names no component");
}

TEST_F(SelectionTest, AWriterIsFoundByNameInstanceNameClassOrInstance) {
  for (const std::string& writer :
       {std::string("Shop"), std::string("shop-1"), shop_.identity.class_id.to_string(),
        shop_.instance.to_string()}) {
    auto selection = select({selector(writer, "Orders")});
    ASSERT_TRUE(selection.ok()) << writer;
    EXPECT_EQ(selection.value().components[0].writer, 1u);
  }
}

TEST_F(SelectionTest, AnAmbiguousWriterOrComponentIsAnErrorThatNamesTheCandidates) {
  WriterMetadata second = tests::library_writer("library-2");
  writers_.push_back(&second);
  expect_refused({selector("Library", "Queue")}, Errc::invalid_argument,
                 "ambiguous: Library (library-1), Library (library-2)");
  expect_refused({selector("", "Queue")}, Errc::invalid_argument, "the component is ambiguous");
  expect_refused({selector("", "Shelves/")}, Errc::invalid_argument, "several writers");
  EXPECT_TRUE(select({selector("library-2", "Queue")}).ok());
}

TEST_F(SelectionTest, AStarWithoutAWriterTakesEveryWriterButThoseExcluded) {
  auto all = select({selector("", "*")});
  ASSERT_TRUE(all.ok());
  EXPECT_THAT(explicit_names(all.value()), ElementsAre("Settings", "Queue", "Shelves", "Orders"));

  auto without = select({selector("", "*")}, {"shop-1"});
  ASSERT_TRUE(without.ok());
  EXPECT_THAT(explicit_names(without.value()), ElementsAre("Settings", "Queue", "Shelves"));
  EXPECT_EQ(without.value().left_out.back().reason, "its writer is excluded");
  auto excluded = select({selector("Shop", "Orders")}, {"Shop"});
  ASSERT_FALSE(excluded.ok());
  EXPECT_EQ(excluded.error().code(), Errc::not_found);
}

TEST_F(SelectionTest, TheMoreExactSelectorDecidesTheSettings) {
  auto everything = selector("Library", "*");
  everything.policy = ConsistencyPolicy::allow_degraded;
  auto queue = selector("Library", "Queue");
  queue.policy = ConsistencyPolicy::skip;
  queue.options = "\"drain\"=\"no\"";
  queue.base = ChainBase{BackupId::generate(), "stamp", "me@here"};
  for (const auto& order : {std::vector{everything, queue}, std::vector{queue, everything}}) {
    auto selection = select(order);
    ASSERT_TRUE(selection.ok()) << selection.error().what();
    const auto entries = make_backup_components(writers_, selection.value());
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].policy, ConsistencyPolicy::allow_degraded);
    EXPECT_EQ(entries[1].name.full(), "Queue");
    EXPECT_EQ(entries[1].policy, ConsistencyPolicy::skip);
    EXPECT_EQ(entries[1].options, queue.options);
    EXPECT_EQ(entries[1].base, queue.base);
    EXPECT_EQ(entries[2].policy, ConsistencyPolicy::allow_degraded);
    EXPECT_EQ(entries[2].instance_name, "library-1");
    EXPECT_EQ(entries[2].writer_instance, library_.instance);
  }
}

TEST_F(SelectionTest, EquallyExactSelectorsMustAgree) {
  auto again = selector("", "Queue");
  EXPECT_TRUE(select({selector("Library", "Queue"), again}).ok());
  again.policy = ConsistencyPolicy::skip;
  expect_refused({selector("Library", "Queue"), again}, Errc::invalid_argument, "contradicts");
}

// What a mandatory component inherits is the policy, not options that were meant for another one.
TEST_F(SelectionTest, AMandatoryComponentTakesThePolicyThatBroughtItsWriterIn) {
  auto queue = selector("Library", "Queue");
  queue.policy = ConsistencyPolicy::allow_degraded;
  queue.options = "x";
  auto selection = select({queue});
  ASSERT_TRUE(selection.ok());
  EXPECT_TRUE(selection.value().components[0].mandatory);
  EXPECT_EQ(selection.value().components[0].policy, ConsistencyPolicy::allow_degraded);
  EXPECT_EQ(selection.value().components[0].options, "");
}

// Windows' texts disagree here; docs/decisions/0010-component-sets.md chooses.
TEST_F(SelectionTest, AParentThatIsNotSelectableHeadsNoSet) {
  library_.components = {
      tests::component("", "Base", false, false),
      tests::component("Base", "Tools", true, false),
      tests::component("Base", "Core", false, false),
      tests::component("", "Extra", true, false),
  };
  auto selection = select({selector("Library", "Extra")});
  ASSERT_TRUE(selection.ok());
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Base", "Base/Core", "Extra"));
  EXPECT_THAT(implicit_names(selection.value()), ElementsAre());
  EXPECT_THAT(left_out(selection.value()), ElementsAre("Base/Tools"));
}

TEST_F(SelectionTest, AnEmptyHeadAndAMissingParentAreFine) {
  library_.components = {tests::component("", "Group", true, false),
                         tests::component("No/Such/Parent", "Leaf", true, false)};
  auto selection = select({selector("Library", "*")});
  ASSERT_TRUE(selection.ok());
  EXPECT_THAT(explicit_names(selection.value()), ElementsAre("Group", "No/Such/Parent/Leaf"));
}

TEST_F(SelectionTest, NothingSelectedIsAnEmptySelection) {
  auto selection = select({});
  ASSERT_TRUE(selection.ok());
  EXPECT_TRUE(selection.value().components.empty());
  EXPECT_EQ(selection.value().left_out.size(), 7u);
}

TEST_F(SelectionTest, NamesThatShareTheirBeginningAreNotMembers) {
  library_.components = {tests::component("", "Shelves", true, false),
                         tests::component("", "Shelves2", true, false),
                         tests::component("Shelves2", "A", false, false)};
  auto selection = select({selector("Library", "Shelves")});
  ASSERT_TRUE(selection.ok());
  EXPECT_THAT(implicit_names(selection.value()), ElementsAre());
}

TEST_F(SelectionTest, ATenThousandComponentTreeIsSelectedQuickly) {
  library_.components.clear();
  for (int group = 0; group < 100; ++group) {
    const std::string head = "G" + std::to_string(group);
    library_.components.push_back(tests::component("", head, true, false));
    for (int i = 0; i < 100; ++i) {
      library_.components.push_back(tests::component(head, "c" + std::to_string(i), false, true));
    }
  }
  auto selection = select({selector("Library", "*")});
  ASSERT_TRUE(selection.ok());
  EXPECT_EQ(selection.value().components.size(), 100u);
  EXPECT_EQ(implicit_names(selection.value()).size(), 10'000u);
}

// ---- dependencies

using Kind = UnmetDependency::Kind;

class DependencyTest : public SelectionTest {
 protected:
  void depend(WriterMetadata& from, std::size_t component, const WriterMetadata& on,
              ComponentName target, std::string host = "") {
    from.components[component].dependencies.push_back(
        {on.identity.class_id, std::move(target), std::move(host), {}});
  }
  std::vector<Kind> unmet(const std::vector<ComponentSelector>& selectors) {
    auto selection = select(selectors);
    EXPECT_TRUE(selection.ok());
    std::vector<Kind> kinds;
    for (const auto& one : unmet_dependencies(writers_, selection.value())) {
      kinds.push_back(one.kind);
      last_ = one.to_string(writers_);
    }
    return kinds;
  }
  std::string last_;
};

TEST_F(DependencyTest, ATargetThatIsSelectedOrImplicitMeetsADependency) {
  depend(shop_, 0, library_, {"Shelves", "Science"});
  EXPECT_THAT(unmet({selector("", "*")}), ElementsAre());
  EXPECT_THAT(unmet({selector("", "Orders"), selector("", "Shelves/Science")}), ElementsAre());
  EXPECT_THAT(unmet({selector("", "Orders")}), ElementsAre(Kind::not_selected));
  EXPECT_THAT(last_, HasSubstr("component 'Orders' of Shop must be backed up together with "
                               "component 'Shelves/Science'"));
  EXPECT_THAT(last_, HasSubstr("select it too"));
}

TEST_F(DependencyTest, TheDependenciesOfImplicitMembersCount) {
  depend(library_, 5, shop_, {"", "Orders"});
  EXPECT_THAT(unmet({selector("", "Shelves")}), ElementsAre(Kind::not_selected));
}

TEST_F(DependencyTest, AMissingTargetIsSaid) {
  depend(shop_, 0, library_, {"", "Cellar"});
  WriterMetadata absent = tests::library_writer();
  absent.identity.class_id = WriterClassId::generate();
  depend(shop_, 0, absent, {"", "Queue"});
  EXPECT_THAT(unmet({selector("", "*")}), ElementsAre(Kind::component_absent, Kind::writer_absent));
}

TEST_F(DependencyTest, ARemoteTargetIsAlwaysReported) {
  depend(shop_, 0, library_, {"", "Queue"}, "other.example");
  EXPECT_THAT(unmet({selector("", "*")}), ElementsAre(Kind::remote));
  EXPECT_THAT(last_, HasSubstr("on host 'other.example'"));
}

TEST_F(DependencyTest, CyclesAreNoError) {
  depend(shop_, 0, library_, {"", "Queue"});
  depend(library_, 1, shop_, {"", "Orders"});
  EXPECT_THAT(unmet({selector("", "*")}), ElementsAre());
  EXPECT_THAT(unmet({selector("", "Orders")}), ElementsAre(Kind::not_selected));
}

}  // namespace
}  // namespace stillframe

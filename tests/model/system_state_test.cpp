#include "framework/model/system_state.hpp"

#include <gmock/gmock.h>

#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two system writers and one of an application.
class SystemStateTest : public testing::Test {
 protected:
  SystemStateTest() {
    boot_ = tests::shop_writer();
    boot_.identity.name = boot_.identity.instance_name = "boot";
    boot_.identity.class_id = WriterClassId::generate();
    boot_.identity.usage = UsageType::bootable_system_state;
    boot_.components = {tests::component("", "Loader", true, false),
                        tests::component("Loader", "Kernels", false, false),
                        tests::component("", "Logs", true, false)};
    boot_.components[2].not_system_state = true;
    names_ = boot_;
    names_.identity.name = names_.identity.instance_name = "names";
    names_.identity.class_id = WriterClassId::generate();
    names_.instance = WriterInstanceId::generate();
    names_.identity.usage = UsageType::system_service;
    names_.components = {tests::component("", "Zones", true, false)};
  }

  std::vector<std::string> taken(const std::vector<ComponentSelector>& selectors,
                                 const std::vector<std::string>& exclude = {}) {
    auto all = with_system_state(writers_, selectors, exclude);
    if (!all.ok()) return {"error: " + all.error().what()};
    auto selection = select_components(writers_, all.value(), exclude);
    if (!selection.ok()) return {"error: " + selection.error().what()};
    std::vector<std::string> names;
    for (const auto& one : selection.value().components) {
      names.push_back(writers_[one.writer]->components[one.component].name.full());
    }
    return names;
  }
  std::vector<std::string> missing(const std::vector<ComponentSelector>& selectors) {
    auto selection = select_components(writers_, selectors);
    EXPECT_TRUE(selection.ok());
    std::vector<std::string> names;
    for (const auto& out : missing_system_state(writers_, selection.value())) {
      names.push_back(writers_[out.writer]->components[out.component].name.full());
    }
    return names;
  }
  static ComponentSelector named(const std::string& component) {
    ComponentSelector selector;
    selector.component = component;
    return selector;
  }

  WriterMetadata boot_, names_, shop_ = tests::shop_writer();
  std::vector<const WriterMetadata*> writers_{&boot_, &names_, &shop_};
};

TEST_F(SystemStateTest, IsWhatSystemWritersOwnExceptWhatTheySayIsNot) {
  EXPECT_TRUE(is_system_state(boot_, boot_.components[0]));
  EXPECT_FALSE(is_system_state(boot_, boot_.components[2]));
  EXPECT_TRUE(is_system_state(names_, names_.components[0]));
  EXPECT_FALSE(is_system_state(shop_, shop_.components[0]));
}

TEST_F(SystemStateTest, IsAddedWholeToWhatWasSelected) {
  EXPECT_THAT(taken({named("Orders")}), ElementsAre("Loader", "Zones", "Orders"));
  EXPECT_THAT(taken({}), ElementsAre("Loader", "Zones"));
  EXPECT_THAT(taken({named("*")}), ElementsAre("Loader", "Logs", "Zones", "Orders"));
  EXPECT_THAT(taken({named("Orders")}, {"names"}), ElementsAre("Loader", "Orders"));
}

TEST_F(SystemStateTest, WhatIsSelectedAlreadyKeepsItsSettings) {
  ComponentSelector loader = named("Loader");
  loader.options = "quick";
  auto all = with_system_state(writers_, std::vector{loader});
  ASSERT_TRUE(all.ok());
  auto selection = select_components(writers_, all.value());
  ASSERT_TRUE(selection.ok()) << selection.error().what();
  EXPECT_EQ(selection.value().components[0].options, "quick");
}

TEST_F(SystemStateTest, AMandatoryComponentCountsWhenNothingElseOfItsWriterDoes) {
  names_.components[0].selectable_for_backup = false;
  EXPECT_THAT(taken({named("Orders")}), ElementsAre("Loader", "Zones", "Orders"));
}

TEST_F(SystemStateTest, AMemberIsAddedAloneWhenItsHeadIsNoSystemState) {
  boot_.components[0].not_system_state = true;
  boot_.components[1].selectable_for_backup = true;
  EXPECT_THAT(taken({named("Orders")}), ElementsAre("Loader/Kernels", "Zones", "Orders"));
}

TEST_F(SystemStateTest, OnceBegunItIsSaidWhatIsMissing) {
  EXPECT_THAT(missing({named("Orders")}), IsEmpty());
  EXPECT_THAT(missing({named("Zones")}), ElementsAre("Loader", "Loader/Kernels"));
  EXPECT_THAT(missing({named("Loader")}), ElementsAre("Zones"));
  EXPECT_THAT(missing({named("Loader"), named("Zones")}), IsEmpty());
}

TEST_F(SystemStateTest, AWriterThatPromisedIndependenceMayStandAlone) {
  names_.schema.bits |= BackupSchema::kIndependentSystemState;
  EXPECT_THAT(missing({named("Zones")}), IsEmpty());
  EXPECT_THAT(missing({named("Loader")}), IsEmpty());
}

}  // namespace
}  // namespace stillframe

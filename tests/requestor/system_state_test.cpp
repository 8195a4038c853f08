// A backup of the system's state through a real coordinator.
#include <gmock/gmock.h>

#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::QuietObserver;
using stillframe::tests::write_file;
using ::testing::UnorderedElementsAre;

class UsageWriter final : public Writer {
 public:
  UsageWriter(std::string name, std::string folder, UsageType usage)
      : name_(std::move(name)), folder_(std::move(folder)), usage_(usage) {}

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = id_;
    who.name = who.instance_name = name_;
    who.usage = usage_;
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    for (const char* part : {"state", "cache"}) {
      FileSet files;
      files.path = folder_ + "/" + part;
      files.pattern = "*";
      Component& component = metadata.components.emplace_back();
      component.name.name = name_ + " " + part;
      component.files = {files};
      component.not_system_state = std::string(part) == "cache";
    }
    return metadata;
  }
  Status prepare_backup(const CallContext&, BackupView& backup) override {
    told = backup.bootable_system_state;
    return Ok{};
  }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  bool told = false;

 private:
  const WriterClassId id_ = WriterClassId::generate();
  const std::string name_, folder_;
  const UsageType usage_;
};

struct SystemStateBackupTest : stillframe::tests::EmbeddedFixture {
  UsageWriter boot{"boot", base + "/boot", UsageType::bootable_system_state};
  UsageWriter names{"names", base + "/names", UsageType::system_service};
  QuietObserver observer;
  UsageWriter shop{"shop", base + "/shop", UsageType::user_data};

  void SetUp() override {
    for (const char* file : {"/boot/state/a", "/boot/cache/b", "/names/state/e", "/names/cache/f",
                             "/shop/state/c", "/shop/cache/d"}) {
      write_file(base + file, "content");
    }
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(boot).ok());
    ASSERT_TRUE(coordinator->add_writer(names).ok());
    ASSERT_TRUE(coordinator->add_writer(shop).ok());
  }
  std::vector<std::string> backed_up(bool bootable, const std::string& writer = "shop") {
    BackupRequest request;
    request.store = store;
    request.options.bootable_system_state = bootable;
    ComponentSelector selector;
    selector.writer = writer;
    selector.component = writer + " state";
    request.selectors = {selector};
    observer.warnings.clear();
    Client requestor = client();
    auto report = run_backup(requestor, request, observer);
    if (!report.ok()) return {"error: " + report.error().what()};
    std::vector<std::string> components;
    for (const auto& outcome : report.value().components) {
      components.push_back(outcome.component.name.full());
    }
    return components;
  }
};

TEST_F(SystemStateBackupTest, TheFlagTakesTheSystemStateAlongAndIsToldToItsWriters) {
  EXPECT_THAT(backed_up(false), UnorderedElementsAre("shop state"));
  EXPECT_FALSE(shop.told);
  EXPECT_THAT(backed_up(true), UnorderedElementsAre("boot state", "names state", "shop state"));
  EXPECT_TRUE(boot.told && names.told && shop.told);
  EXPECT_TRUE(observer.warnings.empty());
}

TEST_F(SystemStateBackupTest, APartOfItIsSaidToBeIncomplete) {
  EXPECT_THAT(backed_up(false, "names"), UnorderedElementsAre("names state"));
  ASSERT_EQ(observer.warnings.size(), 1u);
  EXPECT_THAT(observer.warnings[0], ::testing::HasSubstr("'boot state' of writer boot"));
}

}  // namespace
}  // namespace stillframe::requestor

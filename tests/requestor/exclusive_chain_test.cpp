// Chains of a writer that never mixes two types, through a real coordinator.
#include <gmock/gmock.h>

#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::requestor {
namespace {

using stillframe::tests::write_file;
using ::testing::HasSubstr;

// Promises incremental and differential backups, and, if told so, never both after one full one.
class ExclusiveWriter final : public Writer {
 public:
  explicit ExclusiveWriter(std::string folder) : folder_(std::move(folder)) {}
  bool exclusive = true;

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("1c1d2e3f-1111-4222-8333-444455556666").value();
    who.name = "Chain";
    who.instance_name = "chain";
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    FileSet files;
    files.path = folder_;
    files.pattern = "*";
    Component component;
    component.name = {"", "files"};
    component.files = {files};
    WriterMetadata metadata;
    metadata.components = {component};
    metadata.schema.bits |= BackupSchema::kIncremental | BackupSchema::kDifferential;
    if (exclusive) metadata.schema.bits |= BackupSchema::kExclusiveIncrementalDifferential;
    return metadata;
  }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }

 private:
  const std::string folder_;
};

struct ExclusiveChainTest : stillframe::tests::EmbeddedFixture {
  ExclusiveWriter writer{base + "/app"};

  void SetUp() override {
    write_file(base + "/app/a", "content");
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(writer).ok());
  }
  std::string made(BackupType type) {
    auto report = backup(type);
    if (!report.ok()) return std::string(to_string(report.error().code()));
    return report.value().finish.ok() ? "ok" : report.value().finish.error().what();
  }
};

TEST_F(ExclusiveChainTest, AnExclusiveWritersTypesAreNotMixedUntilTheNextFullBackup) {
  EXPECT_EQ(made(BackupType::full), "ok");
  EXPECT_EQ(made(BackupType::differential), "ok");
  EXPECT_EQ(made(BackupType::differential), "ok");
  auto mixed = backup(BackupType::incremental);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code(), Errc::chain_broken);
  EXPECT_THAT(mixed.error().what(), HasSubstr("component 'files' of chain"));
  EXPECT_THAT(mixed.error().what(), HasSubstr("take a full backup"));
  EXPECT_EQ(made(BackupType::full), "ok");
  EXPECT_EQ(made(BackupType::incremental), "ok");
  EXPECT_EQ(made(BackupType::differential), "chain_broken");
  EXPECT_EQ(made(BackupType::incremental), "ok");
}

TEST_F(ExclusiveChainTest, OtherWritersMayHaveBoth) {
  writer.exclusive = false;
  for (BackupType type : {BackupType::full, BackupType::differential, BackupType::incremental,
                          BackupType::differential}) {
    EXPECT_EQ(made(type), "ok");
  }
}

}  // namespace
}  // namespace stillframe::requestor

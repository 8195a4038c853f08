// A writer that owns a folder and does as a test tells it, and a fixture that backs it up and
// restores it through a real coordinator.
#pragma once

#include <functional>

#include "requestor/restore/restore_run.hpp"
#include "tests/requestor/embedded_fixture.hpp"

namespace stillframe::tests {

class FolderWriter final : public Writer {
 public:
  explicit FolderWriter(std::string folder, std::string instance = "folder")
      : folder_(std::move(folder)), instance_(std::move(instance)) {}

  RestorePolicy policy{
      RestoreMethod::restore_if_can_replace, "", "", RestoreEvents::always, false, {}};
  std::vector<AlternateMapping> mappings;
  std::vector<ExcludedFiles> exclude;
  std::uint32_t schema = BackupSchema::kCopy | BackupSchema::kNewTarget |
                         BackupSchema::kIncremental | BackupSchema::kDifferential |
                         BackupSchema::kRestoreWithMove | BackupSchema::kTimestamped;
  BytePath pattern = "*";
  std::vector<Component> components;  // empty: one, of everything in the folder
  bool stages = false;
  std::function<Status(BackupView&)> prepares;
  std::function<void(BackupView&)> after_snapshot;
  std::function<void(RestoreView&)> before_restore;
  std::vector<RestoreView> restored;  // what post_restore() was told

  FileSet all_files() const {
    FileSet files;
    files.path = folder_;
    files.pattern = pattern;
    files.recursive = true;
    return files;
  }

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("0c1d2e3f-1111-4222-8333-444455556666").value();
    who.name = "Folder";
    who.instance_name = instance_;
    who.capabilities.add(Capability::restore_events);
    if (stages) who.capabilities.add(Capability::staged_restore);
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    metadata.components = components;
    if (components.empty()) {
      Component component;
      component.name = {"", "files"};
      component.files = {all_files()};
      metadata.components = {component};
    }
    metadata.restore = policy;
    metadata.schema.bits = schema;
    metadata.alternate_mappings = mappings;
    metadata.exclude = exclude;
    return metadata;
  }
  Status prepare_backup(const CallContext&, BackupView& backup) override {
    return prepares ? prepares(backup) : Status(Ok{});
  }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  Status post_snapshot(const CallContext&, const SnapshotSetView&, BackupView& backup) override {
    if (after_snapshot) after_snapshot(backup);
    return Ok{};
  }
  Status pre_restore(const CallContext&, RestoreView& restore) override {
    if (before_restore) before_restore(restore);
    return Ok{};
  }
  Status post_restore(const CallContext&, const RestoreView& restore) override {
    restored.push_back(restore);
    return Ok{};
  }

 private:
  const std::string folder_, instance_;
};

// A folder with files "a" and "deep/b".
struct FolderWriterTest : EmbeddedFixture {
  const std::string folder = base + "/app";
  const std::string pending = base + "/pending";
  FolderWriter writer{folder};
  QuietObserver observer;  // of the last restore

  void SetUp() override {
    write_file(folder + "/a", "content of a");
    write_file(folder + "/deep/b", "content of b");
    start_coordinator();
    ASSERT_TRUE(coordinator->add_writer(writer).ok());
  }
  std::string full_backup() { return backup_set(BackupType::full); }
  std::string backup_set(BackupType type) {
    auto report = backup(type);
    EXPECT_TRUE(report.ok()) << report.error().what();
    if (!report.ok()) return "";
    EXPECT_TRUE(report.value().finish.ok()) << report.value().finish.error().what();
    return report.value().path;
  }
  Result<requestor::RestoreOutcome> restore(
      const std::string& set, const std::function<void(requestor::RestoreRequest&)>& change = {}) {
    requestor::RestoreRequest request;
    request.set = set;
    request.pending = pending;
    if (change) change(request);
    Client requestor = client();
    return requestor::run_restore(requestor, request, observer);
  }
  // A restore that must succeed.
  requestor::RestoreOutcome restored(
      const std::string& set, const std::function<void(requestor::RestoreRequest&)>& change = {}) {
    auto outcome = restore(set, change);
    EXPECT_TRUE(outcome.ok()) << outcome.error().what();
    if (!outcome.ok()) return {};
    EXPECT_TRUE(outcome.value().finish.ok()) << outcome.value().finish.error().what();
    return std::move(outcome).value();
  }
  // Why a restore failed after its writers had been asked; an error of another kind fails the test.
  Error refused(const std::string& set,
                const std::function<void(requestor::RestoreRequest&)>& change = {}) {
    auto outcome = restore(set, change);
    EXPECT_TRUE(outcome.ok()) << outcome.error().what();
    const bool failed = outcome.ok() && !outcome.value().finish.ok();
    EXPECT_TRUE(failed);
    return failed ? outcome.value().finish.error() : Error(Errc::internal, "it was not refused");
  }
};

}  // namespace stillframe::tests

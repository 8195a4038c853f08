// A daemon answers, and something is wrong with it or around it.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "tests/daemon/doctor/doctor_fixture.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

class AnsweringDaemon : public DoctorTest {
 protected:
  // With what its configuration says now.
  void restart() {
    ASSERT_TRUE(daemon_.stop().ok());
    start();
  }
  Client client() {
    auto channel = daemon_.connect();
    EXPECT_TRUE(channel.ok());
    return Client(std::shared_ptr<RequestorChannel>(std::move(channel).value()));
  }
};

// One component, the files of a folder.
struct FolderWriter final : Writer {
  explicit FolderWriter(BytePath folder) : folder_(std::move(folder)) {}
  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("3d0e6f1c-8a74-4a3f-a5c7-6a1b7f0f5b21").value();
    who.name = who.instance_name = "Shelf";
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    if (fails) return Error(Errc::writer_fatal, "its catalogue cannot be read");
    FileSet files;
    files.path = folder_;
    files.pattern = "*";
    Component component;
    component.name.name = "books";
    component.files = {files};
    WriterMetadata metadata;
    metadata.components = {component};
    return metadata;
  }
  std::atomic<bool> fails{false};

 private:
  const BytePath folder_;
};

std::unique_ptr<WriterHost> connected(Writer& writer, const std::string& socket_dir) {
  WriterHostOptions options;
  options.socket_dir = socket_dir;
  auto host = WriterHost::start(writer, options);
  EXPECT_TRUE(host.ok());
  if (!host.ok()) return nullptr;
  EXPECT_TRUE(host.value()->wait_registered(20s).ok());
  return std::move(host).value();
}

TEST_F(AnsweringDaemon, OneInOrderHasNothingToMend) {
  start();
  const Findings findings = look();
  EXPECT_TRUE(find(findings, "daemon.answers"));
  EXPECT_TRUE(find(findings, "config.in_force"));
  EXPECT_TRUE(find(findings, "folder.fit"));
  for (const Finding& finding : findings) {
    const bool of_machine =
        finding.check.starts_with("machine.") || finding.check.starts_with("file_system.");
    EXPECT_TRUE(of_machine || finding.severity < Severity::warning)
        << finding.check << ": " << finding.what;
  }
}

TEST_F(AnsweringDaemon, APluginInQuarantineIsReleasedOnceItIsMended) {
  const std::string file = folder() + "/shop.so";
  std::ofstream(file) << "no shared object";
  configure("[[plugin]]\nname = \"shop\"\nfile = \"" + file + "\"\nmakes = \"writer\"\n");
  start();
  ASSERT_TRUE(comes("plugin.quarantined", "shop"));
  const Finding found = complete(find("plugin.quarantined", "shop"), Severity::problem);
  EXPECT_THAT(found.remedy, HasSubstr("stillframe plugins release shop"));
  fs::remove(file);
  fs::copy_file(CRASHING_PLUGIN, file);
  ASSERT_TRUE(client().release_plugin("shop").ok());  // what the remedy's command asks for
  EXPECT_TRUE(gone("plugin.quarantined", "shop"));
}

TEST_F(AnsweringDaemon, AWriterThatFailsIsNamedWithItsReason) {
  start();
  FolderWriter writer(folder());
  writer.fails = true;
  const auto host = connected(writer, daemon_.socket_dir());
  ASSERT_TRUE(comes("writer.failed", "Shelf"));
  const Finding failed = complete(find("writer.failed", "Shelf"), Severity::problem);
  EXPECT_THAT(failed.what, HasSubstr("its catalogue cannot be read"));
  writer.fails = false;
  EXPECT_FALSE(find("writer.failed"));
  EXPECT_TRUE(find("writer.answers", "Shelf"));
}

TEST_F(AnsweringDaemon, AVolumeThatNobodyCutsIsAProblemWhenAComponentLiesOnIt) {
  start();
  EXPECT_FALSE(find("volume.no_provider")) << "nothing of a writer's is there";
  FolderWriter writer(folder());
  const auto host = connected(writer, daemon_.socket_dir());
  ASSERT_TRUE(comes("volume.no_provider"));
  const Finding found = complete(find("volume.no_provider"), Severity::problem);
  EXPECT_THAT(found.what, HasSubstr("Shelf:books"));
  EXPECT_THAT(found.cause, HasSubstr("no provider is loaded"));
  configure("[providers]\nbuiltin = true\n");
  restart();
  ASSERT_TRUE(host->wait_registered(20s).ok());
  EXPECT_TRUE(comes("writer.answers", "Shelf"));
  EXPECT_TRUE(gone("volume.no_provider"));
}

TEST_F(AnsweringDaemon, WhatWasWrittenSinceIsNotInForce) {
  start();
  configure("[[allow]]\nusers = [\"root\"]\nrights = [\"look\"]\n");
  const Finding rights = complete(find("config.not_in_force"), Severity::warning);
  EXPECT_THAT(rights.what, HasSubstr("'allow'"));
  EXPECT_EQ(rights.remedy, "kill -HUP " + std::to_string(daemon_.pid()));
  carry_out(rights.remedy);
  EXPECT_TRUE(gone("config.not_in_force"));

  configure("[limits]\nlease_ms = 4000\n[[allow]]\nusers = [\"root\"]\nrights = [\"look\"]\n");
  const Finding limits = complete(find("config.not_in_force"), Severity::warning);
  EXPECT_THAT(limits.what, HasSubstr("limits.lease_ms"));
  restart();
  EXPECT_FALSE(find("config.not_in_force"));
}

TEST_F(AnsweringDaemon, AFileThatBrokeSinceIsNamedBeforeTheNextStartFails) {
  start();
  configure("[limits]\nhold = 3\n");
  const Finding invalid = complete(find("config.invalid"), Severity::problem);
  EXPECT_THAT(invalid.what, HasSubstr("limits.hold"));
}

TEST_F(AnsweringDaemon, LimitsThatCannotBeMeantAreNamed) {
  configure("[limits]\nhold_ms = 3000\nlease_ms = 3000\ncommit_ms = 3000\n");
  start();
  const Finding lease = complete(find("limits.odd", "lease_ms"), Severity::warning);
  EXPECT_THAT(lease.what, HasSubstr("3000 ms"));
  (void)complete(find("limits.odd", "commit_ms"), Severity::warning);
  configure("");
  restart();
  EXPECT_FALSE(find("limits.odd"));
}

TEST_F(AnsweringDaemon, RulesThatSayTooMuchOrNothingAreNamed) {
  const std::string root = folder() + "/restored";
  fs::create_directories(root);
  ::chmod(root.c_str(), 0777);
  daemon_.drop_in("10.toml", "[daemon]\nopen_to_all = false\nrestore_roots = [\"" + root + "\"]\n");
  configure("[[allow]]\nusers = [\"12345\"]\nrights = [\"register\"]\nany_files = true\n");
  start();
  (void)complete(find("access.unreachable"), Severity::warning);
  (void)complete(find("access.any_files"), Severity::warning);
  const Finding writable = complete(find("access.restore_root", root), Severity::warning);
  if (::geteuid() != 0) return;
  carry_out(writable.remedy);
  EXPECT_FALSE(find("access.restore_root"));
}

TEST_F(AnsweringDaemon, EventsThatGoNowhereAreSaidSoUntilTheFolderIsThere) {
  configure("[events]\nfile = \"" + folder() + "/logs/events.jsonl\"\n");
  start();
  ASSERT_TRUE(comes("events.not_written"));
  (void)complete(find("events.not_written"), Severity::warning);
  fs::create_directories(folder() + "/logs");
  EXPECT_TRUE(gone("events.not_written"));
}

TEST_F(AnsweringDaemon, MetricsThatAreNotServedAreSaidSo) {
  RunningDaemon other;
  const std::string socket = other.base() + "/metrics.sock";
  fs::create_directories(socket);  // nobody can listen where a folder is
  configure("[metrics]\nlisten = \"unix:" + socket + "\"\n");
  start();
  (void)complete(find("metrics.not_served"), Severity::warning);
  fs::remove(socket);
  restart();
  EXPECT_FALSE(find("metrics.not_served"));
}

TEST_F(AnsweringDaemon, WhoMayOnlyLookMayAskTheStatusSocketToo) {
  start();
  auto channel = daemon_.connect("status.sock");
  ASSERT_TRUE(channel.ok());
  EXPECT_TRUE(channel.value()->call("doctor", "{}").ok());
}

}  // namespace
}  // namespace stillframe::tests

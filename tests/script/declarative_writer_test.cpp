#include "writers/script/declarative_writer.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

constexpr const char* kHead =
    "format = 1\n[writer]\nclass_id = '5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31'\nname = 'Orders'\n";

class Declarative : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  // A program of the test's own, in the way an administrator would install one.
  std::string program(const std::string& name, const std::string& script) {
    std::ofstream(path(name)) << "#!/bin/bash\n" << script;
    ::chmod(path(name).c_str(), 0755);
    return path(name);
  }

  Result<std::unique_ptr<Writer>> load(const std::string& rest) {
    std::ofstream(path("writer.toml"))
        << kHead << rest << "\n[[component]]\nname = 'db'\n"
        << "[[component.files]]\npath = '" << folder_.path() << "'\n";
    ::chmod(path("writer.toml").c_str(), 0644);
    DeclarativeWriterOptions options;
    options.trusted_owner = ::getuid();
    return load_declarative_writer(path("writer.toml"), options);
  }

  // A session child with the given reactions; anything else is answered with OK.
  std::unique_ptr<Writer> with_session(const std::string& cases, const std::string& more = {}) {
    program("session", "while read -r order rest; do case $order in\n" + cases +
                           "\nEND) exit 0;;\n*) echo OK;;\nesac; done\n");
    auto writer = load("[run]\nsession = ['" + path("session") + "']\n" + more);
    EXPECT_TRUE(writer.ok()) << writer.error().what();
    return writer.ok() ? std::move(writer).value() : nullptr;
  }

  // Whether a process that was killed goes away; a zombie counts, who reaps it is not our business.
  static bool ends(int pid) {
    for (int tries = 0; tries < 5000; ++tries) {
      std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
      std::string line;
      std::getline(in, line);
      if (line.empty() || line.find(") Z ") != std::string::npos) return true;
      ::usleep(1000);
    }
    return false;
  }

  std::string content(const std::string& name) const {
    std::ifstream in(path(name));
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  void SetUp() override { call_.session = SessionId::generate(); }

  CallContext call_;
  SnapshotSetView set_;
  TemporaryDirectory folder_;
};

TEST_F(Declarative, SessionHoldsAndProvesIt) {
  auto writer = with_session("THAW) echo 'HELD stall_ms=12';;");
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  const BootTime before = system_clock().now();
  ASSERT_TRUE(writer->freeze(call_).ok());
  const BootTime frozen = system_clock().now();
  auto hold = writer->thaw(call_);
  ASSERT_TRUE(hold.ok());
  EXPECT_TRUE(hold.value().unbroken) << hold.value().broken_because;
  EXPECT_FALSE(hold.value().asserted_only);
  EXPECT_GE(hold.value().held_from, before);
  EXPECT_LE(hold.value().held_from, frozen);
  EXPECT_GE(hold.value().held_until, frozen);
  EXPECT_EQ(hold.value().longest_stall, std::chrono::milliseconds(12));
  EXPECT_EQ(writer->thaw(call_).value(), hold.value()) << "the second thaw must say the same";
}

TEST_F(Declarative, OneChildLivesFromPrepareToThaw) {
  auto writer = with_session("*) echo $$ >> " + path("pids") +
                             "; [ $order = THAW ] && echo HELD || echo OK;;");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  ASSERT_TRUE(writer->thaw(call_).value().unbroken);
  std::istringstream pids(content("pids"));
  std::string first, next;
  pids >> first;
  int orders = 1;
  while (pids >> next) {
    EXPECT_EQ(next, first);
    ++orders;
  }
  EXPECT_EQ(orders, 4);  // HELLO, PREPARE, FREEZE, THAW
}

TEST_F(Declarative, ADeadSessionChildBreaksTheHold) {
  auto writer = with_session("FREEZE) echo OK; exit 3;;");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  auto hold = writer->thaw(call_);
  ASSERT_TRUE(hold.ok());
  EXPECT_FALSE(hold.value().unbroken);
  EXPECT_THAT(hold.value().broken_because, HasSubstr("exit code 3"));
}

TEST_F(Declarative, AChildThatDoesNotAnswerThawIsKilledWithItsGroup) {
  auto writer = with_session("THAW) sleep 1000 & echo $! > " + path("child") + "; wait;;",
                             "[timeouts_ms]\nthaw = 200\n");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  const BootTime before = system_clock().now();
  auto hold = writer->thaw(call_);
  EXPECT_LT(system_clock().now() - before, std::chrono::seconds(5));
  EXPECT_FALSE(hold.value().unbroken);
  EXPECT_TRUE(ends(std::stoi(content("child"))));
}

TEST_F(Declarative, ABrokenHoldIsReportedAsSuch) {
  auto writer = with_session("THAW) echo 'BROKEN the server restarted';;");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  EXPECT_THAT(writer->thaw(call_).value().broken_because, HasSubstr("the server restarted"));
}

TEST_F(Declarative, RefusalsCarryTheirCodeAndReason) {
  auto veto = with_session("PREPARE) echo 'VETO in maintenance';;");
  Status refused = veto->prepare_snapshot(call_, set_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::writer_fatal);
  EXPECT_THAT(refused.error().what(), HasSubstr("in maintenance"));

  auto later = with_session("FREEZE) echo 'RETRY busy'; ;;");
  ASSERT_TRUE(later->prepare_snapshot(call_, set_).ok());
  EXPECT_EQ(later->freeze(call_).error().code(), Errc::writer_retryable);
  EXPECT_FALSE(later->thaw(call_).value().unbroken);

  auto talks_nonsense = with_session("FREEZE) echo 'sure!';;");
  ASSERT_TRUE(talks_nonsense->prepare_snapshot(call_, set_).ok());
  EXPECT_EQ(talks_nonsense->freeze(call_).error().code(), Errc::corrupt);

  auto exits = with_session("HELLO) echo 'no licence' >&2; exit 75;;");
  Status gone = exits->prepare_snapshot(call_, set_);
  EXPECT_EQ(gone.error().code(), Errc::writer_retryable);
  EXPECT_THAT(gone.error().what(), HasSubstr("no licence"));
}

TEST_F(Declarative, AFreezeThatTakesTooLongTimesOutAndLeavesNothingHeld) {
  auto writer = with_session("FREEZE) sleep 1000;;", "[timeouts_ms]\nfreeze = 100\n");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  EXPECT_EQ(writer->freeze(call_).error().code(), Errc::timed_out);
  EXPECT_FALSE(writer->thaw(call_).value().unbroken);
}

TEST_F(Declarative, AbortReleasesASessionThatHolds) {
  auto writer = with_session("ABORT) echo released > " + path("aborted") + "; echo OK;;");
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  writer->abort(call_);
  EXPECT_EQ(content("aborted"), "released\n");
  EXPECT_FALSE(writer->thaw(call_).value().unbroken);
}

// A session's last verbs may come while the next one has its turn.
TEST_F(Declarative, TheEndOfOneSessionLeavesTheHoldOfTheNextAlone) {
  auto writer = with_session("THAW) echo HELD;;");
  CallContext next = call_;
  next.session = SessionId::generate();
  ASSERT_TRUE(writer->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer->freeze(call_).ok());
  EXPECT_TRUE(writer->thaw(call_).value().unbroken);
  ASSERT_TRUE(writer->prepare_snapshot(next, set_).ok());
  BackupView backup;
  ASSERT_TRUE(writer->post_snapshot(call_, set_, backup).ok());
  writer->shutdown(call_, set_.set);
  ASSERT_TRUE(writer->freeze(next).ok());
  writer->abort(call_);
  EXPECT_TRUE(writer->thaw(next).value().unbroken);
}

TEST_F(Declarative, CommandPairsAreOnlyAsserted) {
  program("note", "echo \"$STILLFRAME_VERB $A\" >> " + path("log") + "\n");
  auto writer = load("[environment]\nA = 'value'\n[run]\nfreeze = ['" + path("note") +
                     "']\nthaw = ['" + path("note") + "']\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  ASSERT_TRUE(writer.value()->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer.value()->freeze(call_).ok());
  auto hold = writer.value()->thaw(call_);
  EXPECT_TRUE(hold.value().unbroken);
  EXPECT_TRUE(hold.value().asserted_only);
  EXPECT_EQ(content("log"), "freeze value\nthaw value\n");
}

TEST_F(Declarative, ThawRunsAfterAFreezeThatFailed) {
  program("freeze", "echo 'disk full' >&2; exit 71\n");
  program("thaw", "echo thawed >> " + path("log") + "\n");
  auto writer =
      load("[run]\nfreeze = ['" + path("freeze") + "']\nthaw = ['" + path("thaw") + "']\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  Status frozen = writer.value()->freeze(call_);
  EXPECT_EQ(frozen.error().code(), Errc::out_of_resources);
  EXPECT_THAT(frozen.error().what(), HasSubstr("disk full"));
  EXPECT_FALSE(writer.value()->thaw(call_).value().unbroken);
  (void)writer.value()->thaw(call_);
  EXPECT_EQ(content("log"), "thawed\n");
}

TEST_F(Declarative, AnOverrunningCommandIsKilledWithItsGroup) {
  program("slow", "sleep 1000 & echo $! > " + path("child") + "; wait\n");
  auto writer =
      load("[run]\nprepare_backup = ['" + path("slow") + "']\n[timeouts_ms]\nprepare = 200\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  BackupView backup;
  EXPECT_EQ(writer.value()->prepare_backup(call_, backup).error().code(), Errc::timed_out);
  EXPECT_TRUE(ends(std::stoi(content("child"))));
}

TEST_F(Declarative, WithoutCommandsNothingIsHeldAndThatIsSaid) {
  auto writer = load("");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  ASSERT_TRUE(writer.value()->freeze(call_).ok());
  auto hold = writer.value()->thaw(call_).value();
  EXPECT_FALSE(hold.unbroken);
  EXPECT_THAT(hold.broken_because, HasSubstr("neither session nor freeze"));
}

TEST_F(Declarative, WhatIsExcludedFromTheSnapshotIsTakenOutOfItAlone) {
  for (const char* root : {"live", "cut"}) {
    std::filesystem::create_directories(path(root) + "/cache/deep");
    for (const char* file : {"/data", "/cache/1", "/cache/deep/2"}) {
      std::ofstream(path(root) + file) << "x";
    }
  }
  auto writer =
      load("[[exclude_from_snapshot]]\npath = '" + path("live/cache") + "'\nrecursive = true\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  set_.volumes = {{path("live"), SnapshotId::generate(), path("cut")}};
  BackupView backup;
  const Status done = writer.value()->post_snapshot(call_, set_, backup);
  ASSERT_TRUE(done.ok()) << done.error().what();
  EXPECT_FALSE(std::filesystem::exists(path("cut/cache/1")));
  EXPECT_FALSE(std::filesystem::exists(path("cut/cache/deep/2")));
  EXPECT_TRUE(std::filesystem::exists(path("cut/data")));
  EXPECT_TRUE(std::filesystem::exists(path("live/cache/1")));
  EXPECT_TRUE(std::filesystem::exists(path("live/cache/deep/2")));
}

TEST_F(Declarative, BackupCompleteSeesWhatWasPublished) {
  program("complete",
          "echo \"$STILLFRAME_SUCCEEDED|$STILLFRAME_MANIFEST_SHA256|$STILLFRAME_BACKUP_TYPE\" > " +
              path("log") + "\n");
  auto writer = load("[run]\nbackup_complete = ['" + path("complete") + "']\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  BackupView backup;
  backup.components.resize(2);
  backup.components[0].name = {"", "whole"};
  backup.components[0].succeeded = true;
  backup.components[1].name = {"", "torn"};
  Receipt receipt;
  receipt.manifest_sha256 = "abc";
  ASSERT_TRUE(writer.value()->backup_complete(call_, backup, receipt).ok());
  EXPECT_EQ(content("log"), "whole|abc|full\n");
}

TEST_F(Declarative, FilesThatOthersCouldChangeAreRefused) {
  program("session", "exit 0\n");
  ::chmod(path("session").c_str(), 0777);
  EXPECT_EQ(load("[run]\nsession = ['" + path("session") + "']\n").error().code(),
            Errc::access_denied);
  ::chmod(path("session").c_str(), 0755);
  auto writer = load("[run]\nsession = ['" + path("session") + "']\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  ::chmod(path("session").c_str(), 0757);  // after it was loaded
  EXPECT_EQ(writer.value()->prepare_snapshot(call_, set_).error().code(), Errc::access_denied);

  ::chmod(path("writer.toml").c_str(), 0666);
  DeclarativeWriterOptions options;
  options.trusted_owner = ::getuid();
  EXPECT_EQ(load_declarative_writer(path("writer.toml"), options).error().code(),
            Errc::access_denied);
}

TEST_F(Declarative, CommandsRunAsTheUserTheFileNames) {
  if (::getuid() != 0) GTEST_SKIP() << "changing the user needs root";
  ::chmod(folder_.path().c_str(), 0755);
  program("who", "id -un > /tmp/stillframe-who-$PPID; echo \"$USER:$HOME\" >&2; exit 62\n");
  auto writer = load("[run]\nuser = 'nobody'\nprepare_backup = ['" + path("who") + "']\n");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  BackupView backup;
  Status refused = writer.value()->prepare_backup(call_, backup);
  EXPECT_THAT(refused.error().what(), HasSubstr("nobody:/nonexistent"));
  const std::string note = "/tmp/stillframe-who-" + std::to_string(::getpid());
  std::ifstream in(note);
  std::string name;
  in >> name;
  ::unlink(note.c_str());
  EXPECT_EQ(name, "nobody");
  EXPECT_EQ(load("[run]\nuser = 'no-such-user'\n").error().code(), Errc::not_found);
}

TEST_F(Declarative, TheGateIsShutFromRegistrationToPostRestore) {
  std::filesystem::create_directory(path("gate"));
  program("recover", "echo recovered > " + path("log") + "\n");
  auto loaded = load("[run]\npost_restore = ['" + path("recover") + "']\n[restore]\ngate = '" +
                     path("gate") + "'\n");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what();
  Writer& writer = *loaded.value();
  EXPECT_TRUE(writer.identity().capabilities.has(Capability::staged_restore));
  RestoreAuthority authority;
  authority.uid = ::getuid();
  RestoreRegistration registration;
  registration.component = {"", "db"};
  ASSERT_TRUE(writer.restore_prepare(call_, authority).ok());
  EXPECT_EQ(writer.restore_locations(call_, {"", "db"}).value()[0].path, folder_.path());
  ASSERT_TRUE(writer.restore_register(call_, authority, registration).ok());
  EXPECT_EQ(startup_gate(path("gate")).error().code(), Errc::interlocked);
  EXPECT_EQ(writer.restore_register(call_, authority, registration).error().code(),
            Errc::interlocked);
  ASSERT_TRUE(writer.restore_complete(call_, {"", "db"}, Ok{}).ok());
  ASSERT_TRUE(writer.post_restore(call_, RestoreView{}).ok());
  EXPECT_EQ(content("log"), "recovered\n");
  EXPECT_TRUE(startup_gate(path("gate")).ok());
}

TEST_F(Declarative, AFailedCopyLeavesTheGateShut) {
  std::filesystem::create_directory(path("gate"));
  auto loaded = load("[restore]\ngate = '" + path("gate") + "'\n");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what();
  RestoreAuthority authority;
  RestoreRegistration registration;
  authority.uid = 0;
  ASSERT_TRUE(loaded.value()->restore_register(call_, authority, registration).ok());
  ASSERT_TRUE(
      loaded.value()->restore_complete(call_, {"", "db"}, Error(Errc::io, "disk died")).ok());
  ASSERT_TRUE(loaded.value()->post_restore(call_, RestoreView{}).ok());
  EXPECT_EQ(startup_gate(path("gate")).error().code(), Errc::interlocked);
}

TEST_F(Declarative, AuthorityExpiresAndBelongsToSomebody) {
  auto loaded = load("[restore]\ngate = '" + folder_.path() + "'\n");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what();
  RestoreAuthority authority;
  authority.uid = 0;
  authority.expires = WallTime(std::chrono::seconds(1));
  EXPECT_EQ(loaded.value()->restore_prepare(call_, authority).error().code(), Errc::access_denied);
  authority.expires = WallTime();
  authority.uid = 12345;
  EXPECT_EQ(loaded.value()->restore_prepare(call_, authority).error().code(), Errc::access_denied);
}

// ---- the sample that is shipped, with a real database

class SqliteSample : public Declarative {
 protected:
  void SetUp() override {
    Declarative::SetUp();
    if (run_program({"/bin/sh", "-c", "python3 -c 'import sqlite3' && sqlite3 -version"}) != 0) {
      GTEST_SKIP() << "the sample needs python3 with its sqlite3 module, and sqlite3";
    }
    ASSERT_EQ(sql("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)", 5000), 0);
    // As installed: the sample's own lines, with the paths an administrator would change.
    std::ifstream in(std::string(SAMPLES) + "/sqlite.toml");
    std::stringstream text;
    text << in.rdbuf();
    std::string toml = text.str();
    const auto replace = [&](const std::string& from, const std::string& to) {
      const auto at = toml.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      toml.replace(at, from.size(), to);
    };
    replace("user = \"orders\"\n", "");
    replace("DATABASE_FOLDER = \"/srv/orders\"", "DATABASE_FOLDER = \"" + folder_.path() + "\"");
    replace("\"/srv/orders/orders.db\"", "\"" + path("orders.db") + "\"");
    replace("\"/usr/local/libexec/stillframe/sqlite_session\"", "\"" + path("session") + "\"");
    std::filesystem::copy_file(std::string(SAMPLES) + "/sqlite_session", path("session"));
    ::chmod(path("session").c_str(), 0755);
    std::ofstream(path("sqlite.toml")) << toml;
    ::chmod(path("sqlite.toml").c_str(), 0644);
    DeclarativeWriterOptions options;
    options.trusted_owner = ::getuid();
    auto loaded = load_declarative_writer(path("sqlite.toml"), options);
    ASSERT_TRUE(loaded.ok()) << loaded.error().what();
    writer_ = std::move(loaded).value();
  }

  int sql(const std::string& statement, int busy_ms) {
    output_.clear();
    return run_program({"/usr/bin/sqlite3", "-cmd", ".timeout " + std::to_string(busy_ms),
                        path("orders.db"), statement},
                       &output_);
  }

  std::unique_ptr<Writer> writer_;
  std::string output_;
};

TEST_F(SqliteSample, OtherWritersWaitUntilThaw) {
  auto metadata = writer_->identify(call_);
  ASSERT_TRUE(metadata.ok());
  EXPECT_EQ(metadata.value().components[0].files[0].path, folder_.path());

  ASSERT_TRUE(writer_->prepare_snapshot(call_, set_).ok());
  EXPECT_EQ(sql("INSERT INTO t VALUES(2)", 0), 0) << output_;  // prepared is not frozen
  ASSERT_TRUE(writer_->freeze(call_).ok());
  EXPECT_NE(sql("INSERT INTO t VALUES(3)", 100), 0);
  EXPECT_THAT(output_, HasSubstr("locked"));
  EXPECT_EQ(sql("SELECT count(*) FROM t", 0), 0) << "readers must not wait";
  EXPECT_EQ(output_, "2\n");

  auto hold = writer_->thaw(call_).value();
  EXPECT_TRUE(hold.unbroken) << hold.broken_because;
  EXPECT_EQ(sql("INSERT INTO t VALUES(3)", 5000), 0) << output_;
  BackupView backup;
  EXPECT_TRUE(writer_->post_snapshot(call_, set_, backup).ok());
  writer_->shutdown(call_, set_.set);
}

TEST_F(SqliteSample, AKilledSessionLosesTheHoldAndNobodyCallsItConsistent) {
  ASSERT_TRUE(writer_->prepare_snapshot(call_, set_).ok());
  ASSERT_TRUE(writer_->freeze(call_).ok());
  run_program({"/bin/sh", "-c", "kill -9 $(pgrep -f " + path("session") + ")"});
  EXPECT_EQ(sql("INSERT INTO t VALUES(3)", 5000), 0) << "the lock outlived its holder: " << output_;
  auto hold = writer_->thaw(call_).value();
  EXPECT_FALSE(hold.unbroken);
  EXPECT_THAT(hold.broken_because, HasSubstr("signal 9"));
}

TEST_F(SqliteSample, ABusyDatabaseAsksToTryAgain) {
  ASSERT_TRUE(writer_->prepare_snapshot(call_, set_).ok());
  // Another writer in the middle of a transaction that lasts longer than the sample waits.
  std::thread other([&] {
    run_program({"/bin/sh", "-c",
                 "(echo 'BEGIN IMMEDIATE; SELECT 1;'; touch " + path("begun") +
                     "; while test ! -e " + path("enough") + "; do sleep 0.05; done) | sqlite3 " +
                     path("orders.db")});
  });
  while (sql("BEGIN IMMEDIATE; ROLLBACK;", 0) == 0) usleep(10'000);
  Status frozen = writer_->freeze(call_);
  std::ofstream(path("enough")) << "x";
  other.join();
  ASSERT_FALSE(frozen.ok());
  EXPECT_EQ(frozen.error().code(), Errc::writer_retryable);
  EXPECT_THAT(frozen.error().what(), HasSubstr("locked"));
}

}  // namespace
}  // namespace stillframe::tests

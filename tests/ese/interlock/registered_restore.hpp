// An instance with two databases and a backup of it, which a registered restore brings back to
// where they were.
#pragma once

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_world.hpp"
#include "writers/ese/interlock/registered_start.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"

namespace stillframe::ese::tests {

class RegisteredRestore : public testing::Test {
 protected:
  void SetUp() override {
    world_.start();
    world_.work(40);
    ASSERT_TRUE(world_.instance().flush().ok());
    const auto set = take_backup(world_.backup(), files(), "/set",
                                 {.truncate = false, .before_logs = [this] { world_.work(10); }});
    ASSERT_TRUE(set.ok()) << set.error().what();
    set_ = set.value();
    at_backup_ = world_.state_for(BackupWorld::paths());
    elsewhere_ = world_.state_for(kElsewhere);
    world_.work(10);
    world_.leave();
    // The target's own folder was lost.
    const auto names = files().list("/log");
    ASSERT_TRUE(names.ok());
    for (const BytePath& name : names.value()) {
      ASSERT_TRUE(files().remove(join_path("/log", name)).ok());
    }
  }

  CrashingFiles& files() { return world_.files(); }

  RestoreRecord record(const std::vector<BytePath>& places) const {
    RestoreRecord record;
    record.id = RestoreId{7};
    record.checkpoint = record.logs = "/log";
    record.set = "/set";
    record.low = set_.low;
    record.high = set_.high;
    for (std::size_t i = 0; i < places.size(); ++i) {
      record.databases.push_back({BackupWorld::paths()[i], places[i]});
    }
    return record;
  }
  // The files of the set, over what is there.
  void copy_databases(const std::vector<BytePath>& places) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (files().exists(places[i])) {
        ASSERT_TRUE(files().remove(places[i]).ok());
      }
      copy_file(files(), set_.databases.at(BackupWorld::paths()[i]), places[i]);
    }
  }
  // Everything up to the start.
  void stage(const std::vector<BytePath>& places) {
    ASSERT_TRUE(register_restore(files(), record(places)).ok());
    copy_databases(places);
    ASSERT_TRUE(complete_restore(files(), "/log", RestoreId{7}, 0).ok());
  }

  InstanceOptions options(StartGate* gate) {
    InstanceOptions options = world_.options();
    options.gate = gate;
    return options;
  }
  // A start, and an end without stop().
  Status start(Files& files) {
    RegisteredStart gate;
    const auto started = Instance::start(files, options(&gate));
    return started.ok() ? Status(Ok{}) : started.error();
  }
  std::string state(Files& files) {
    const auto found = read_restore_record(files, "/log");
    if (!found.ok()) return found.error().what();
    return found.value() ? std::string(name_of(found.value()->state)) : "none";
  }

  inline static const std::vector<BytePath> kElsewhere{"/new/one.edb", "/new/two.edb"};
  BackupWorld world_{4096, 3};
  BackupSet set_;
  BackupWorld::State at_backup_, elsewhere_;
};

}  // namespace stillframe::ese::tests

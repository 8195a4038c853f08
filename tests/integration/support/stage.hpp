// A small world for whole sessions: a real file system, a real daemon, applications that write all
// the time, and requestors, each a process that can be killed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/daemon/support/broker_under_test.hpp"
#include "tests/daemon/support/running_daemon.hpp"
#include "tests/integration/support/ticking_app.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

// A child that is waited for by the test and killed at its end.
class TestProcess {
 public:
  TestProcess() = default;
  ~TestProcess() { kill(); }
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;

  void start(const std::vector<std::string>& words, const std::string& stage_socket);
  bool running();  // also reaps
  void signal(int number) const;
  bool wait(std::chrono::milliseconds for_at_most);
  void kill();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// What a requestor wrote down: "ok", "error", "outcome", and per application "label.NAME" (the
// number of a Consistency) and "cut.NAME" (two instants).
using SessionResult = std::map<std::string, std::string>;

enum class Privileges {
  of_daemon,  // a daemon of root's does everything itself
  of_broker   // a daemon of nobody's asks a broker
};

enum class Ground {
  image,  // ext4 in a loop image on btrfs: cut under a FIFREEZE, so there are guards
  btrfs,
  xfs
};

struct StageOptions {
  Ground ground = Ground::image;
  Privileges privileges = Privileges::of_daemon;
  std::chrono::milliseconds lease{200};
  std::chrono::milliseconds commit{1000};
};

class Stage {
 public:
  // Null when this machine cannot; `reason` says what is missing.
  static std::unique_ptr<Stage> make(const StageOptions& options, std::string& reason);
  ~Stage();

  // All that tick: those of a process of the test, and the one in a plug-in host.
  static const std::vector<std::string>& apps();
  static const std::string& plugged_app();
  TestProcess& app(const std::string& name) { return apps_[name]; }
  RunningDaemon& daemon() { return daemon_; }
  BrokerUnderTest* broker() { return broker_.get(); }  // null when there is none
  NotifySocket& line() { return *line_; }

  // Starts what does not run and waits until all writers are registered.
  Status raise();
  // Starts a broker and a daemon that have ended, as a service manager would.
  Status tend();

  void start_requestor(TestProcess& process);
  // What it left; "ok" is "0" with an error when it left nothing.
  SessionResult result() const;
  // A whole session without disturbance.
  SessionResult quiet_session();

  std::vector<Tick> ticks(const std::string& app) const;
  // Why what the requestor says is not what happened; empty when it is.
  std::string falsehood(const SessionResult& result) const;

  // Processes of this stage by the kernel's short name, oldest first.
  std::vector<pid_t> processes(const std::string& name, const std::string& word = "") const;
  // Whether the path is of this stage: of its daemon, or of its broker.
  bool is_ours(const std::string& path) const;
  const StageOptions& options() const { return options_; }
  const std::string& volume() const { return fs_->mount_point(); }
  const std::string& scratch() const { return daemon_folder_; }

 private:
  Stage(StageOptions options) : options_(options) {}
  void set_up_files() const;
  void configure();
  std::string hosts_config() const;
  void start_app(const std::string& name);
  std::string truth(const std::string& app) const { return daemon_folder_ + "/" + app + ".truth"; }
  std::string out() const { return daemon_folder_ + "/out"; }

  const StageOptions options_;
  const TemporaryDirectory files_{"sfs"};  // what plug-in hosts load; nobody but root may change it
  std::unique_ptr<LoopFs> host_, fs_;
  std::unique_ptr<BrokerUnderTest> broker_;
  RunningDaemon daemon_;
  const std::string daemon_folder_ = daemon_.base();
  std::unique_ptr<NotifySocket> line_;
  std::map<std::string, TestProcess> apps_;
};

}  // namespace stillframe::tests

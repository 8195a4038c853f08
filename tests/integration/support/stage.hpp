// A small world for whole sessions: a real file system, a real daemon, two applications that write
// all the time, and requestors, each a process that can be killed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

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

enum class Ground {
  image,  // ext4 in a loop image on btrfs: cut under a FIFREEZE, so there are guards
  btrfs,
  xfs
};

struct StageOptions {
  Ground ground = Ground::image;
  std::chrono::milliseconds lease{200};
  std::chrono::milliseconds commit{1000};
};

class Stage {
 public:
  // Null when this machine cannot; `reason` says what is missing.
  static std::unique_ptr<Stage> make(const StageOptions& options, std::string& reason);
  ~Stage();

  static const std::vector<std::string>& apps();  // their names
  TestProcess& app(const std::string& name) { return apps_[name]; }
  RunningDaemon& daemon() { return daemon_; }
  NotifySocket& line() { return *line_; }

  // Starts what does not run and waits until both applications are registered.
  Status raise();
  void start_app(const std::string& name);
  // Starts a daemon that has ended, as a service manager would.
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
  const StageOptions& options() const { return options_; }
  const std::string& volume() const { return fs_->mount_point(); }
  const std::string& scratch() const { return daemon_folder_; }

 private:
  Stage(StageOptions options) : options_(options) {}
  std::string truth(const std::string& app) const { return daemon_folder_ + "/" + app + ".truth"; }
  std::string out() const { return daemon_folder_ + "/out"; }

  const StageOptions options_;
  std::unique_ptr<LoopFs> host_, fs_;
  RunningDaemon daemon_;
  const std::string daemon_folder_ = daemon_.base();
  std::unique_ptr<NotifySocket> line_;
  std::map<std::string, TestProcess> apps_;
};

}  // namespace stillframe::tests

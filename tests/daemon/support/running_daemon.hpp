// A stillframed process of the test's own: folders, configuration, a notify socket to hear it by.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/requestor.hpp>
#include <stillframe/result.hpp>

#include "framework/base/child_process.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

// What a service manager hears of a service: the far end of NOTIFY_SOCKET.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path);
  const std::string& path() const { return path_; }
  // The next message; empty when none comes in time.
  std::string next(std::chrono::milliseconds for_at_most);
  // Waits for a message that contains `text`; false when none comes in time.
  bool heard(const std::string& text, std::chrono::milliseconds for_at_most);

 private:
  std::string path_;
  Descriptor socket_;
};

class RunningDaemon {
 public:
  RunningDaemon();
  ~RunningDaemon();

  // Before start(): the text of stillframe.toml and of files in conf.d.
  void configure(const std::string& toml) { write(config_path(), toml); }
  void drop_in(const std::string& name, const std::string& toml) {
    write(base() + "/conf/conf.d/" + name, toml);
  }
  std::vector<std::pair<std::string, std::string>> environment;  // beside what every test has

  // Before start(): as somebody without privileges, who gets the folder.
  void run_as(uid_t user, gid_t group);

  // Sockets that the service manager listens on: their names, in the socket directory.
  std::vector<std::string> activated;

  // Starts the program and waits until it says that it is ready.
  Status start();
  bool running();  // also reaps
  void signal(int number) const;
  // SIGTERM, and waits for its end.
  Result<ExitStatus> stop();
  Result<ExitStatus> wait();
  void kill();  // SIGKILL, and waits

  bool heard(const std::string& text) { return notify_->heard(text, std::chrono::seconds(20)); }
  bool heard_within(const std::string& text, std::chrono::milliseconds for_at_most) {
    return notify_->heard(text, for_at_most);
  }
  // Everything it wrote to standard error so far.
  std::string log() const;
  bool logged(const std::string& text) const;  // within 20 s

  std::string base() const { return folder_.path(); }
  std::string config_path() const { return base() + "/conf/stillframe.toml"; }
  std::string socket_dir() const { return base() + "/run"; }
  pid_t pid() const { return pid_; }
  Result<std::unique_ptr<RequestorChannel>> connect(const char* socket = "requestor.sock") const;

 private:
  void become_daemon() const;
  std::vector<Descriptor> open_activated() const;
  bool became_ready() const;
  static void write(const std::string& path, const std::string& text);

  TemporaryDirectory folder_{"sfd"};
  std::unique_ptr<NotifySocket> notify_;
  std::optional<std::pair<uid_t, gid_t>> user_;
  pid_t pid_ = -1;
};

// Where a program that is built beside the tests lies.
std::string program(const std::string& name);

}  // namespace stillframe::tests

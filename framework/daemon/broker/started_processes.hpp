// The processes that the broker has started, each on behalf of one connection and no longer than
// it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>

#include "framework/base/child_process.hpp"
#include "framework/daemon/broker/broker_request.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

struct StartedProcess {
  ProcessHandle handle{};
  pid_t pid = -1;
  ChildDescriptors descriptors;
};

struct ProcessState {
  bool running = true;
  ExitStatus status;  // once it does not
};

// Every call returns at once and is carried out in turn by one thread, which is also the parent of
// all processes: they die with it, and so with the broker however that ends. Answers come on that
// thread.
class StartedProcesses {
 public:
  static constexpr std::size_t kProcessesMax = 128;

  // Told, on the thread, of every process that ended or is killed because its connection did.
  using EndedHandler = std::function<void(const std::string& name, pid_t pid, const ExitStatus&)>;

  static Result<std::unique_ptr<StartedProcesses>> start(EndedHandler ended);
  // Kills every process and waits for their ends.
  virtual ~StartedProcesses() = default;

  // limit_reached when kProcessesMax run.
  virtual void start(ConnectionId owner, std::string name, ChildOptions program,
                     std::function<void(Result<StartedProcess>)> done) = 0;
  // Of the owner's own processes; not_found for others, and for one whose end was told already.
  virtual void kill(ConnectionId owner, ProcessHandle handle, std::function<void(Status)> done) = 0;
  virtual void ask(ConnectionId owner, ProcessHandle handle,
                   std::function<void(Result<ProcessState>)> done) = 0;
  // Kills all it has. Nobody waits: one that is inside the kernel dies when that lets go of it.
  virtual void connection_ended(ConnectionId owner) = 0;
};

}  // namespace stillframe::daemon

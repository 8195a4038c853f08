#include "framework/daemon/broker/started_processes.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::daemon {
namespace {

struct Entry {
  ConnectionId owner{};
  std::string name;
  std::unique_ptr<ChildProcess> child;
  Descriptor ended;                  // pidfd
  std::optional<ExitStatus> status;  // empty while it runs
  bool orphaned = false;             // its connection is gone
};

class ProcessTable final : public StartedProcesses {
 public:
  ProcessTable(Descriptor bell, EndedHandler ended)
      : bell_(std::move(bell)), ended_(std::move(ended)), thread_([this] { run(); }) {}
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  ~ProcessTable() override {
    post([this] { stopping_ = true; });
    thread_.join();
  }

  void start(ConnectionId owner, std::string name, ChildOptions program,
             std::function<void(Result<StartedProcess>)> done) override {
    post([this, owner, name = std::move(name), program = std::move(program),
          done = std::move(done)]() mutable {
      done(start_now(owner, std::move(name), std::move(program)));
    });
  }

  void kill(ConnectionId owner, ProcessHandle handle, std::function<void(Status)> done) override {
    post([this, owner, handle, done = std::move(done)] {
      Entry* entry = find(owner, handle);
      if (entry == nullptr) return done(no_such(handle));
      entry->child->kill_group();
      done(Ok{});
    });
  }

  void ask(ConnectionId owner, ProcessHandle handle,
           std::function<void(Result<ProcessState>)> done) override {
    post([this, owner, handle, done = std::move(done)] {
      Entry* entry = find(owner, handle);
      if (entry == nullptr) return done(no_such(handle));
      note_end(*entry);
      if (!entry->status) return done(ProcessState{});
      const ProcessState state{false, *entry->status};
      entries_.erase(handle);
      done(state);
    });
  }

  void connection_ended(ConnectionId owner) override {
    post([this, owner] {
      for (auto& [handle, entry] : entries_) {
        if (entry.owner != owner) continue;
        entry.orphaned = true;
        entry.child->kill_group();
      }
    });
  }

 private:
  static Error no_such(ProcessHandle handle) {
    return Error(Errc::not_found, "this connection has no process with handle " +
                                      std::to_string(static_cast<std::uint64_t>(handle)));
  }

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell_.get(), &one, sizeof one);  // a full one rings too
  }

  void run() {
    while (!stopping_) {
      wait();
      for (auto& [handle, entry] : entries_) note_end(entry);
      std::erase_if(entries_, [](const auto& item) {
        return item.second.orphaned && item.second.status.has_value();
      });
      run_tasks();
    }
    for (auto& [handle, entry] : entries_) entry.child->kill_group();
    for (auto& [handle, entry] : entries_) entry.child.reset();  // waits
  }

  void run_tasks() {
    std::deque<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }

  // Until somebody posts or a process ends.
  void wait() {
    std::vector<pollfd> watched = {{bell_.get(), POLLIN, 0}};
    for (const auto& [handle, entry] : entries_) {
      if (!entry.status) watched.push_back({entry.ended.get(), POLLIN, 0});
    }
    ::poll(watched.data(), watched.size(), -1);
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto n = ::read(bell_.get(), &rings, sizeof rings);
  }

  void note_end(Entry& entry) {
    if (entry.status || entry.child->running()) return;
    auto status = entry.child->wait(Deadline(system_clock().now()));
    if (!status.ok()) return;  // next time
    entry.status = status.value();
    ended_(entry.name, entry.child->pid(), *entry.status);
  }

  Result<StartedProcess> start_now(ConnectionId owner, std::string name, ChildOptions program) {
    if (entries_.size() >= kProcessesMax) {
      // Those whose end nobody asked about make room.
      std::erase_if(entries_, [](const auto& item) { return item.second.status.has_value(); });
    }
    if (entries_.size() >= kProcessesMax) {
      return Error(Errc::limit_reached, "the broker runs " + std::to_string(kProcessesMax) +
                                            " processes already; end some first");
    }
    program.die_with_parent = true;
    auto child = ChildProcess::start(program);
    if (!child.ok()) return child.error();
    auto descriptors = child.value()->hand_over();
    if (!descriptors.ok()) return descriptors.error();
    Entry entry;
    entry.ended = Descriptor(::fcntl(descriptors.value().pidfd.get(), F_DUPFD_CLOEXEC, 3));
    if (!entry.ended.valid()) return posix_error(errno, "watch", name);
    entry.owner = owner;
    entry.name = std::move(name);
    entry.child = std::move(child).value();
    StartedProcess started{ProcessHandle{++last_handle_}, entry.child->pid(),
                           std::move(descriptors).value()};
    entries_.emplace(started.handle, std::move(entry));
    return started;
  }

  Entry* find(ConnectionId owner, ProcessHandle handle) {
    const auto found = entries_.find(handle);
    if (found == entries_.end() || found->second.owner != owner) return nullptr;
    return &found->second;
  }

  const Descriptor bell_;
  const EndedHandler ended_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  // Of the thread alone.
  bool stopping_ = false;
  std::uint64_t last_handle_ = 0;
  std::map<ProcessHandle, Entry> entries_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<StartedProcesses>> StartedProcesses::start(EndedHandler ended) {
  Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell.valid()) return posix_error(errno, "make", "an event descriptor");
  return std::unique_ptr<StartedProcesses>(
      std::make_unique<ProcessTable>(std::move(bell), std::move(ended)));
}

}  // namespace stillframe::daemon

#include "framework/daemon/hosts/host_supervisor.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "framework/base/check.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/daemon/hosts/host_events.hpp"
#include "framework/daemon/hosts/host_record.hpp"

namespace stillframe::daemon {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSleepLongest{3'600'000};
constexpr const char* kQuarantineFile = "/plugin-quarantine.json";

// One thread owns the writers' processes: it alone starts them, reads what they complain of and
// reaps them. A provider's process is started and met at its end by whoever calls the provider.
class Supervisor final : public HostSupervisor {
 public:
  Supervisor(Starter starter, HostSupervisorOptions options)
      : starter_(std::move(starter)), options_(std::move(options)), clock_(*options_.clock) {}

  Status begin(const std::vector<HostSpec>& specs) {
    wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_.valid()) return posix_error(errno, "make", "an eventfd");
    for (const HostSpec& spec : specs) add(spec);
    read_old_quarantine();
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::exception& e) {
      return Error(Errc::out_of_resources, std::string("starting a thread: ") + e.what());
    }
    return Ok{};
  }

  ~Supervisor() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
  }

  std::vector<PluginInfo> status() const override {
    const std::lock_guard lock(mutex_);
    std::vector<PluginInfo> all;
    for (const auto& [name, host] : hosts_) {
      if (!host.removed) all.push_back(host.info(clock_));
    }
    return all;
  }

  Status release(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    HostRecord* const host = find(name);
    if (host == nullptr) return unknown(name);
    host->policy.forget();
    if (host->state == PluginState::quarantined) {
      changed_ = true;
      tell(HostEvent::released, EventLevel::info, *host, "is released from quarantine");
    }
    if (host->state != PluginState::running) host->start_at(clock_.now(), clock_.wall_now());
    wake();
    return Ok{};
  }

  void reload(const std::vector<HostSpec>& specs) override {
    const std::lock_guard lock(mutex_);
    for (auto& [name, host] : hosts_) host.removed = true;
    for (const HostSpec& spec : specs) {
      const auto known = hosts_.find(spec.name);
      if (known == hosts_.end()) {
        add(spec);
        continue;
      }
      known->second.removed = false;
      if (known->second.spec != spec) change(known->second, spec);
    }
    changed_ = true;
    wake();
  }

  Result<std::unique_ptr<ProgramProvider>> provider(const std::string& name) override {
    {
      const std::lock_guard lock(mutex_);
      const HostRecord* const host = find(name);
      if (host == nullptr) return unknown(name);
      if (!host->is_provider()) {
        return Error(Errc::invalid_argument, "plug-in '" + name + "' makes no provider");
      }
    }
    ProgramProviderOptions program;
    program.name = "plug-in '" + name + "'";
    program.timeouts = options_.provider_timeouts;
    program.events = options_.events;
    program.start = [this, name] { return start_provider(name); };
    program.ended = [this, name](const ProgramEnd& end) { provider_ended(name, end); };
    return ProgramProvider::start(std::move(program));
  }

 private:
  // ---- with mutex_ held

  void add(const HostSpec& spec) { hosts_.try_emplace(spec.name, spec, options_.restart, clock_); }

  void change(HostRecord& host, const HostSpec& spec) {
    const bool goes_on = host.state == PluginState::running && host.spec.kind == spec.kind;
    host.spec = spec;
    host.policy.forget();
    if (!goes_on) host.start_at(clock_.now(), clock_.wall_now());
  }

  HostRecord* find(const std::string& name) {
    const auto found = hosts_.find(name);
    return found == hosts_.end() || found->second.removed ? nullptr : &found->second;
  }

  Error unknown(const std::string& name) const {
    std::string names;
    for (const auto& [known, host] : hosts_) {
      if (!host.removed) names += (names.empty() ? "" : ", ") + known;
    }
    return {Errc::not_found,
            "no plug-in is called '" + escape_path(name) +
                (names.empty() ? "'; the configuration names none" : "'; there are " + names)};
  }

  void tell(HostEvent id, EventLevel level, const HostRecord& host, const std::string& message,
            std::map<std::string, std::string> fields = {}) {
    fields["name"] = host.spec.name;
    fields["kind"] = kind_name(host.spec.kind);
    tell(id, level, "plug-in '" + host.spec.name + "' " + message, std::move(fields));
  }

  void tell(HostEvent id, EventLevel level, std::string message,
            std::map<std::string, std::string> fields) {
    if (options_.events == nullptr) return;
    EventRecord event;
    event.id = static_cast<int>(id);
    event.source = "hosts";
    event.level = level;
    event.message = std::move(message);
    event.fields = std::move(fields);
    event.when = clock_.wall_now();
    options_.events->emit(event);
  }

  void started(HostRecord& host, pid_t pid) {
    host.begun = clock_.now();
    host.enter(PluginState::running, clock_.wall_now());
    tell(HostEvent::started, EventLevel::info, host, "runs", {{"process", std::to_string(pid)}});
  }

  void ended(HostRecord& host, const std::string& reason, const ExitStatus& status) {
    if (status.known) return crashed(host, reason, cannot_load(status));
    host.reason = reason;
    tell(HostEvent::died, EventLevel::warning, host, "ended with the broker: " + reason);
    if (host.state != PluginState::quarantined) wait_for_restart(host, host.policy.taken_along());
  }

  // `lasting`: no restart could change it.
  void crashed(HostRecord& host, const std::string& reason, bool lasting) {
    host.reason = reason;
    tell(HostEvent::died, EventLevel::warning, host, "ended by itself: " + reason);
    if (host.state == PluginState::quarantined) return;  // another process of the same provider
    const BootTime now = clock_.now();
    const auto wait = host.policy.crashed(now, now - host.begun);
    if (lasting || !wait) return quarantine(host, lasting);
    wait_for_restart(host, *wait);
  }

  void wait_for_restart(HostRecord& host, Duration wait) {
    host.start_at(clock_.now() + wait, clock_.wall_now());
    if (host.is_provider()) return;
    const auto ms = std::chrono::duration_cast<milliseconds>(wait).count();
    tell(HostEvent::restarting, EventLevel::info, host,
         "is started again in " + std::to_string(ms) + " ms", {{"wait_ms", std::to_string(ms)}});
  }

  void quarantine(HostRecord& host, bool lasting) {
    host.crashes_at_quarantine = host.policy.crashes(clock_.now());
    host.enter(PluginState::quarantined, clock_.wall_now());
    changed_ = true;
    const std::string why = lasting ? "cannot be started" : "crashed too often";
    tell(HostEvent::quarantined, EventLevel::error, host,
         why + " and is in quarantine: " + host.reason +
             "; mend it, then: stillframe plugins release " + host.spec.name,
         {{"crashes", std::to_string(host.crashes_at_quarantine)}});
  }

  void read_old_quarantine() {
    const BytePath path = options_.state_dir + kQuarantineFile;
    auto entries = read_quarantine(path);
    if (!entries.ok()) {
      tell(HostEvent::quarantine_unreadable, EventLevel::warning,
           "which plug-ins were in quarantine is not known, so all are started: '" +
               escape_path(path) + "': " + entries.error().what(),
           {});
      return;
    }
    saved_ = std::move(entries).value();
    for (const QuarantineEntry& entry : *saved_) {
      HostRecord* const host = find(entry.name);
      if (host != nullptr && spec_digest(host->spec) == entry.spec) host->resume_quarantine(entry);
    }
  }

  // ---- the thread's own

  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      for (auto it = hosts_.begin(); it != hosts_.end();) {
        tend(it->second, lock);
        const bool forget = it->second.removed && !it->second.child;
        it = forget ? hosts_.erase(it) : std::next(it);
      }
      save_changes(lock);
      const bool any = std::any_of(hosts_.begin(), hosts_.end(),
                                   [](const auto& entry) { return entry.second.child != nullptr; });
      if (closing_ && !any) return;
      auto watched = descriptors();
      const int timeout = milliseconds_to_next();
      lock.unlock();
      ::poll(watched.data(), watched.size(), timeout);
      std::uint64_t count;
      while (::read(wake_.get(), &count, sizeof count) > 0) continue;
    }
  }

  void wake() const {
    const std::uint64_t one = 1;
    // Only a full counter refuses, and that is awake already.
    [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
  }

  void tend(HostRecord& host, std::unique_lock<std::mutex>& lock) {
    if (host.child) look_after(host);
    const bool due = host.due && clock_.now() >= *host.due;
    if (!host.child && due && !host.removed && !closing_) start_writer(host, lock);
  }

  void look_after(HostRecord& host) {
    (void)host.child->complaints();  // empties the pipe
    if (!host.child->running()) return writer_ended(host);
    const BootTime now = clock_.now();
    const bool unwanted = closing_ || host.removed || host.running != host.spec;
    if (unwanted && !host.kill_at) {
      host.child->ask_to_end();
      host.kill_at = now + options_.stop_patience;
    }
    if (host.kill_at && now >= *host.kill_at && !host.killed) {
      tell(HostEvent::overran, EventLevel::error, host,
           "did not end within " + std::to_string(options_.stop_patience.count()) +
               " ms and was killed");
      host.child->kill_group();
      host.killed = true;
    }
  }

  void writer_ended(HostRecord& host) {
    auto status = host.child->wait(Deadline(clock_.now()));
    STILLFRAME_CHECK(status.ok(), "a process that has ended has an exit status");
    const std::string reason = end_reason(status.value(), host.child->complaints());
    host.child.reset();
    if (!std::exchange(host.kill_at, std::nullopt)) return ended(host, reason, status.value());
    host.killed = false;
    host.reason = "was asked to end: " + reason;
    tell(HostEvent::stopped, EventLevel::info, host, host.reason);
    host.enter(PluginState::stopped, clock_.wall_now());
    if (!host.removed && !closing_) host.start_at(clock_.now(), clock_.wall_now());
  }

  // The record stays where it is while the lock is not held: only this thread forgets any.
  void start_writer(HostRecord& host, std::unique_lock<std::mutex>& lock) {
    host.due.reset();
    HostSpec spec = host.spec;
    lock.unlock();
    auto child = starter_(spec);
    lock.lock();
    host.running = std::move(spec);
    if (!child.ok()) return not_started(host, child.error());
    host.child = std::move(child).value();
    started(host, host.child->pid());
  }

  void not_started(HostRecord& host, const Error& error) {
    host.begun = clock_.now();
    if (is_lasting(error.code())) return crashed(host, "not started: " + error.what(), true);
    host.reason = "not started: " + error.what();
    wait_for_restart(host, host.policy.postponed());
  }

  std::vector<pollfd> descriptors() const {
    std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}};
    for (const auto& [name, host] : hosts_) {
      if (!host.child) continue;
      watched.push_back({host.child->end_descriptor(), POLLIN, 0});
      watched.push_back({host.child->complaint_descriptor(), POLLIN, 0});
    }
    return watched;
  }

  // A suspend makes it late: nothing waits for this but a restart.
  int milliseconds_to_next() const {
    const BootTime now = clock_.now();
    Duration left = kSleepLongest;
    for (const auto& [name, host] : hosts_) {
      if (host.due && !host.child) left = std::min(left, *host.due - now);
      if (host.kill_at && !host.killed) left = std::min(left, *host.kill_at - now);
    }
    const auto ms = std::chrono::ceil<milliseconds>(std::max(left, Duration(0)));
    return static_cast<int>(ms.count());
  }

  void save_changes(std::unique_lock<std::mutex>& lock) {
    if (!std::exchange(changed_, false)) return;
    std::vector<QuarantineEntry> entries;
    for (const auto& [name, host] : hosts_) {
      if (host.state == PluginState::quarantined) entries.push_back(host.quarantine_entry());
    }
    if (entries == saved_) return;
    lock.unlock();
    const Status written = write_quarantine(options_.state_dir + kQuarantineFile, entries);
    lock.lock();
    if (written.ok()) {
      saved_ = std::move(entries);
    } else {
      tell(HostEvent::quarantine_unwritten, EventLevel::error,
           "which plug-ins are in quarantine will not be known after a restart: " +
               written.error().what(),
           {});
    }
  }

  // ---- a provider's calls, on the threads that make them

  Result<std::unique_ptr<ChildProcess>> start_provider(const std::string& name) {
    std::unique_lock lock(mutex_);
    const HostRecord* const wanted = find(name);
    if (wanted == nullptr) {
      return Error(Errc::not_found, "it is not in the configuration any more");
    }
    if (wanted->state == PluginState::quarantined) {
      return Error(Errc::provider_failed, "it is in quarantine: " + wanted->reason +
                                              "; mend it, then: stillframe plugins release " +
                                              name);
    }
    const HostSpec spec = wanted->spec;
    lock.unlock();
    auto child = starter_(spec);
    lock.lock();
    HostRecord* const host = find(name);  // it may have been removed meanwhile
    if (host == nullptr) return child;
    if (!child.ok()) {
      not_started(*host, child.error());
      wake();
      return child;
    }
    const pid_t pid = child.value()->pid();
    host->add_provider(
        {pid, Descriptor(::fcntl(child.value()->end_descriptor(), F_DUPFD_CLOEXEC, 3))});
    started(*host, pid);
    return child;
  }

  void provider_ended(const std::string& name, const ProgramEnd& end) {
    const std::lock_guard lock(mutex_);
    HostRecord* const host = find(name);
    if (host == nullptr) return;
    ended(*host, end.why, end.status.value_or(ExitStatus{}));
    wake();
  }

  const Starter starter_;
  const HostSupervisorOptions options_;
  const Clock& clock_;
  Descriptor wake_;
  mutable std::mutex mutex_;
  std::map<std::string, HostRecord> hosts_;
  bool closing_ = false;
  bool changed_ = true;                                // the quarantine, since it was written
  std::optional<std::vector<QuarantineEntry>> saved_;  // the thread's own; empty: not known
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HostSupervisor>> HostSupervisor::start(const std::vector<HostSpec>& specs,
                                                              Starter starter,
                                                              HostSupervisorOptions options) {
  auto supervisor = std::make_unique<Supervisor>(std::move(starter), std::move(options));
  if (Status s = supervisor->begin(specs); !s.ok()) {
    return s.error().while_doing("starting the supervisor of plug-ins");
  }
  return std::unique_ptr<HostSupervisor>(std::move(supervisor));
}

}  // namespace stillframe::daemon

// stillframed: the coordinator as a service.
#include <csignal>
#include <cstdio>

#include <malloc.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/coordinator/assembly/coordinator.hpp"
#include "framework/daemon/doctor/absent_daemon.hpp"
#include "framework/daemon/notify/service_notifier.hpp"
#include "framework/daemon/service/command_line.hpp"
#include "framework/daemon/service/daemon.hpp"
#include "framework/model/json_codec.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::daemon;

constexpr int kFailed = 1, kUsage = 2;
constexpr std::chrono::milliseconds kUnwatched{3'600'000};

// Sessions come and go on many threads. With a heap for nearly each of them, and large documents
// kept in it, memory grows for as long as it takes every heap to have seen the largest session.
constexpr int kHeapsMax = 2;
constexpr int kMappedBytesMin = 256 << 10;

void bound_the_heaps() {
  ::mallopt(M_ARENA_MAX, kHeapsMax);
  ::mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
}

int fail(const Error& error, int code) {
  std::fprintf(stderr, "stillframed: %s\n", error.what().c_str());
  return code;
}

Result<DaemonConfig> configuration(const CommandLine& line) {
  auto config = read_daemon_config(line.config, ::geteuid());
  if (!config.ok()) return config.error();
  const auto prefer = [](const BytePath& said, BytePath& read) {
    if (!said.empty()) read = said;
  };
  prefer(line.state_dir, config.value().state_dir);
  prefer(line.runtime_dir, config.value().runtime_dir);
  prefer(line.socket_dir, config.value().socket_dir);
  prefer(line.helper_dir, config.value().helper_dir);
  return config;
}

void report(EventSink& events, int id, std::string message) {
  EventRecord event;
  event.id = id;
  event.source = "stillframed";
  event.level = EventLevel::error;
  event.message = std::move(message);
  event.when = system_clock().wall_now();
  events.emit(event);
}

// A manager that cannot be told is no reason to stop serving.
void note_untold(const Status& told, EventSink& events) {
  if (!told.ok())
    report(events, kEventManagerNotTold,
           "the service manager was not told: " + told.error().what());
}

void reload(Daemon& daemon, const CommandLine& line, const ServiceNotifier& notifier,
            EventSink& events) {
  note_untold(notifier.reloading(), events);
  auto config = configuration(line);
  if (config.ok()) {
    daemon.reload(std::move(config).value());
  } else {
    report(events, kEventReloadFailed,
           "the configuration was not read again, what was read before stays: " +
               config.error().what());
  }
  note_untold(notifier.ready(), events);
}

// Until it is told to end. Between signals, tells the service manager that all is well.
void serve(Daemon& daemon, const CommandLine& line, const ServiceNotifier& notifier,
           EventSink& events, const sigset_t& signals) {
  const auto limit = notifier.watchdog_limit();
  const auto beat =
      limit ? std::chrono::duration_cast<std::chrono::milliseconds>(*limit / 4) : kUnwatched;
  const timespec wait{beat.count() / 1000, (beat.count() % 1000) * 1'000'000};
  while (true) {
    const int signal = ::sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) reload(daemon, line, notifier, events);
    if (limit && daemon.healthy(beat)) note_untold(notifier.watchdog(), events);
  }
}

int run(const CommandLine& line, const sigset_t& signals) {
  auto sockets = ActivatedSockets::from(own_environment());
  if (!sockets.ok()) return fail(sockets.error(), kFailed);
  auto config = configuration(line);
  if (line.diagnose) {
    std::puts(dump_json(findings_to_json(diagnose_absent(line.config, config))).c_str());
    return 0;
  }
  if (!config.ok()) return fail(config.error(), kUsage);
  if (line.check_config) {
    std::puts("stillframed: the configuration is valid");
    return 0;
  }
  auto notifier = ServiceNotifier::from(own_environment());
  if (!notifier.ok()) return fail(notifier.error(), kFailed);
  Metrics metrics(coordinator::kVersion);
  auto events = EventHub::start(hub_options(config.value().observe));
  if (!events.ok()) return fail(events.error(), kFailed);
  events.value()->add_listener(metrics);
  ConfigOrigin origin{line.config.main, [&line] { return configuration(line); }};
  auto daemon = Daemon::start(std::move(config).value(), std::move(origin), sockets.value(),
                              *events.value(), metrics);
  if (!daemon.ok()) return fail(daemon.error(), kFailed);
  note_untold(notifier.value().ready(), *events.value());
  serve(*daemon.value(), line, notifier.value(), *events.value(), signals);
  note_untold(notifier.value().stopping(), *events.value());
  daemon.value().reset();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  bound_the_heaps();
  // Taken by one thread, so that no handler has to be careful; blocked before there is another.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const auto parsed = parse_command_line({words + 1, words + count});
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    std::fputs(answer->text.c_str(), answer->to_stderr ? stderr : stdout);
    return answer->exit_code;
  }
  return run(std::get<CommandLine>(parsed), signals);
}

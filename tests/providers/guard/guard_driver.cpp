// A client of the freeze guard that a test can kill. Told on stdin, answers on stdout:
//   freeze -> "freezing", then "frozen" or "error NAME TEXT"
//   thaw   -> "thawing", then "thawed unbroken|broken FROM UNTIL BY requested|unasked TEXT"
// Begins with "ready HOLDER KEEPER" or "error NAME TEXT"; ends with its input.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>

#include "framework/providers/guard/heartbeat.hpp"

using namespace stillframe;

namespace {

int report(const Error& error) {
  std::printf("error %s %s\n", std::string(to_string(error.code())).c_str(), error.what().c_str());
  return 1;
}

const char* name(ThawedBy by) {
  switch (by) {
    case ThawedBy::nobody:
      return "nobody";
    case ThawedBy::holder:
      return "holder";
    case ThawedBy::keeper:
      return "keeper";
    case ThawedBy::client:
      return "client";
  }
  return "?";
}

void freeze(FreezeGuard& guard) {
  std::puts("freezing");
  Status frozen = guard.freeze(Deadline(system_clock().now() + std::chrono::seconds(30)));
  if (frozen.ok()) {
    std::puts("frozen");
  } else {
    report(frozen.error());
  }
}

void thaw(FreezeGuard& guard) {
  std::puts("thawing");
  auto said = guard.thaw();
  if (!said.ok()) {
    report(said.error());
    return;
  }
  const FreezeStatement& s = said.value();
  std::printf("thawed %s %lld %lld %s %s %s\n", s.unbroken ? "unbroken" : "broken",
              static_cast<long long>(s.frozen_from.since_boot().count()),
              static_cast<long long>(s.frozen_until.since_boot().count()), name(s.thawed_by),
              s.on_request ? "requested" : "unasked", s.ended_because.c_str());
}

}  // namespace

// LEASE_MS LIMIT_MS RECORD_DIR NEVER_FREEZE|- TARGET...
int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 6) return 2;
  FreezeGuardOptions options;
  options.lease = std::chrono::milliseconds(std::atoi(argv[1]));
  options.limit = std::chrono::milliseconds(std::atoi(argv[2]));
  options.record_directory = argv[3];
  if (std::string(argv[4]) != "-") options.never_freeze.push_back(argv[4]);
  std::vector<Descriptor> targets;
  for (int i = 5; i < argc; ++i) {
    targets.emplace_back(::open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  auto started = FreezeGuard::start(options, std::move(targets));
  if (!started.ok()) return report(started.error());
  FreezeGuard& guard = *started.value();
  std::printf("ready %d %d\n", guard.holder_pid(), guard.keeper_pid());

  std::optional<Heartbeat> beats;
  for (char line[64]; std::fgets(line, sizeof line, stdin) != nullptr;) {
    const std::string command = line;
    if (command == "freeze\n") {
      beats.emplace(guard, options.lease);
      freeze(guard);
    } else if (command == "thaw\n") {
      thaw(guard);
    } else if (command == "silence\n") {
      beats.reset();
      std::puts("silent");
    }
  }
  return 0;
}

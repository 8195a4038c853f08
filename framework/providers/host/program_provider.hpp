// A provider that is another program: a process that answers one JSON line for each line it reads.
// The provider host and the command provider are both this.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <stillframe/provider.hpp>

#include "framework/base/child_process.hpp"
#include "framework/base/event_sink.hpp"

namespace stillframe {

// How long each call may take; then the whole process group is killed.
struct ProviderTimeouts {
  std::chrono::milliseconds start{10'000};     // until it answers its first call
  std::chrono::milliseconds brief{10'000};     // info, supports, begin_prepare, unexpose
  std::chrono::milliseconds prepare{600'000};  // end_prepare
  std::chrono::milliseconds commit{10'000};    // pre_commit, commit, post_commit: inside the hold
  std::chrono::milliseconds final{600'000};  // pre_final, post_final, abort, query, remove, expose
  std::chrono::milliseconds revert{3'600'000};
  // Longest silence inside the hold, of a program that promises signs of life; 0: none is asked to.
  std::chrono::milliseconds lease{0};
};

// An end of the program that nobody asked for.
struct ProgramEnd {
  std::optional<ExitStatus> status;  // empty: it was killed because it overran or lied
  std::string why;                   // with what it complained of
};

struct ProgramProviderOptions {
  std::string name;  // in messages: "provider host of btrfs"
  ChildOptions program;
  ProviderTimeouts timeouts;
  // What the program is. Empty: it is asked by "info".
  std::optional<ProviderInfo> info;
  EventSink* events = nullptr;  // not owned; null: dropped
  // Called before each start of the program; an error keeps it from starting.
  std::function<Status(const ChildOptions& program)> check;
  // Who starts it, where that is not this process; `program` and `check` mean nothing then.
  ProcessStarter start;
  // Told of each such end, once, by the call that meets it.
  std::function<void(const ProgramEnd&)> ended;
};

// Event ids 4100 to 4109; docs/events.md lists them.
enum class ProgramProviderEvent : int {
  died = 4100,     // between or in calls
  overran = 4101,  // a call took too long or was silent for too long, the program was killed
  cleaned = 4102,  // a set that a dead program had begun was aborted by its successor
  unclean = 4103,  // such a set could not be aborted
};

// Every call from any thread, one at a time. A program that died is started again by the next call;
// the sets it had begun are aborted first, so that a snapshot that appears late is deleted.
// Errors of its own: provider_failed when the program dies, lies or overruns.
class ProgramProvider : public Provider {
 public:
  // Starts the program and shakes hands with it.
  static Result<std::unique_ptr<ProgramProvider>> start(ProgramProviderOptions options);

  // Of the program that runs now; 0 when none does. For logs and tests.
  virtual pid_t pid() const = 0;
};

}  // namespace stillframe

// Carries events from the ring to one output, on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "framework/daemon/observe/event_output.hpp"
#include "framework/daemon/observe/hold_gate.hpp"

namespace stillframe::daemon {

struct EventPumpOptions {
  std::string name;  // for people and for the thread, at most 15 letters
  std::chrono::milliseconds retry{1'000};
  // How long the destructor waits for the last events to be written. A thread that a held disk
  // keeps longer is left behind.
  std::chrono::milliseconds stop_patience{2'000};
};

struct EventPumpState {
  std::string name;
  std::uint64_t written = 0;
  std::uint64_t lost = 0;  // gone from the ring before the output took them
  std::string failing;     // why the output takes nothing now; empty when it does
};

// An output that fails is offered the same event again after `retry`: a full disk costs nothing
// as long as the ring reaches back. While a hold is on, an output that waits for disks gets
// nothing.
class EventPump {
 public:
  // Told once when the output begins to fail and once when it takes events again, on the pump's
  // thread.
  using Report = std::function<void(const Status& now, std::uint64_t lost)>;

  // `ring` and `gate` are shared with a thread that may have to be left behind.
  static Result<std::unique_ptr<EventPump>> start(std::shared_ptr<const EventRing> ring,
                                                  std::shared_ptr<const HoldGate> gate,
                                                  std::unique_ptr<EventOutput> output,
                                                  EventPumpOptions options, Report report);
  ~EventPump();

  void reopen();
  EventPumpState state() const;
  // Whether everything up to `sequence` was written or lost.
  bool done_with(std::uint64_t sequence) const;

 private:
  struct Shared;
  explicit EventPump(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;  // with the thread
};

}  // namespace stillframe::daemon

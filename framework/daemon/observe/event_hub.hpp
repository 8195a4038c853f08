// Every event of the daemon comes here: into memory at once, to logs later, on threads of their
// own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/base/event_sink.hpp"
#include "framework/daemon/observe/event_pump.hpp"

namespace stillframe::daemon {

struct EventHubOptions {
  EventRingLimits ring;
  BytePath file;             // JSON lines; empty: none
  BytePath journald_socket;  // empty: none
  Descriptor stream;         // JSON lines to standard error or the like; invalid: none
  std::string identifier = "stillframed";  // for journald
  // Longer than any hold; see HoldGate.
  Duration hold_max = std::chrono::seconds(180);
  std::chrono::milliseconds retry{1'000};  // of an output that failed
  std::chrono::milliseconds stop_patience{2'000};
  const Clock* clock = &system_clock();
};

// emit() costs a few microseconds and touches nothing but memory. It learns of holds from the
// coordinator's own events (2022 begins one, 2026 and 2021 end it), or from hold_begins().
class EventHub final : public EventSink {
 public:
  static Result<std::unique_ptr<EventHub>> start(EventHubOptions options);
  ~EventHub() override;  // offers what waits to the outputs, for stop_patience each

  void emit(const EventRecord& event) override;

  // Told of every later event within emit(), so it must be as quick. It outlives the hub.
  void add_listener(EventSink& listener);

  void hold_begins(const std::string& session);
  void hold_ends(const std::string& session);
  bool holding() const { return gate_->holding(); }

  void reopen_files();  // after a log rotation
  const EventRing& ring() const { return *ring_; }
  std::vector<EventPumpState> outputs() const;
  // Waits until every output has what was emitted so far; false when the time did not suffice.
  bool flush(std::chrono::milliseconds patience) const;

 private:
  explicit EventHub(const EventHubOptions& options);
  Status add_output(std::unique_ptr<EventOutput> output, std::string name,
                    const EventHubOptions& options);
  void output_changed(const std::string& name, const Status& now, std::uint64_t lost);
  void note_holds(const EventRecord& event);

  const Clock& clock_;
  const std::shared_ptr<EventRing> ring_;  // both shared with the outputs' threads
  const std::shared_ptr<HoldGate> gate_;
  mutable std::mutex listeners_mutex_;
  std::vector<EventSink*> listeners_;
  std::vector<std::unique_ptr<EventPump>> pumps_;  // first to go: their threads report here
};

}  // namespace stillframe::daemon

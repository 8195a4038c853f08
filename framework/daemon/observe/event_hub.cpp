#include "framework/daemon/observe/event_hub.hpp"

#include <algorithm>
#include <thread>

#include "framework/coordinator/event_ids.hpp"
#include "framework/daemon/observe/event_ids.hpp"

namespace stillframe::daemon {

EventHub::EventHub(const EventHubOptions& options)
    : clock_(*options.clock),
      ring_(std::make_shared<EventRing>(options.ring)),
      gate_(std::make_shared<HoldGate>(*options.clock, options.hold_max)) {}

Result<std::unique_ptr<EventHub>> EventHub::start(EventHubOptions options) {
  std::unique_ptr<EventHub> hub(new EventHub(options));
  const auto add = [&](bool wanted, std::unique_ptr<EventOutput> output, const char* name) {
    return wanted ? hub->add_output(std::move(output), name, options) : Status(Ok{});
  };
  if (Status s = add(!options.file.empty(), make_file_output(options.file), "event file"); !s.ok())
    return s.error();
  if (Status s = add(!options.journald_socket.empty(),
                     make_journald_output(options.journald_socket, options.identifier), "journald");
      !s.ok())
    return s.error();
  const bool stream = options.stream.valid();
  if (Status s = add(stream, make_stream_output(std::move(options.stream)), "event stream");
      !s.ok())
    return s.error();
  return hub;
}

EventHub::~EventHub() {
  pumps_.clear();
}

Status EventHub::add_output(std::unique_ptr<EventOutput> output, std::string name,
                            const EventHubOptions& options) {
  EventPumpOptions pump;
  pump.name = name;
  pump.retry = options.retry;
  pump.stop_patience = options.stop_patience;
  auto started = EventPump::start(
      ring_, gate_, std::move(output), std::move(pump),
      [this, name](const Status& now, std::uint64_t lost) { output_changed(name, now, lost); });
  if (!started.ok()) return started.error();
  pumps_.push_back(std::move(started).value());
  return Ok{};
}

void EventHub::emit(const EventRecord& event) {
  note_holds(event);
  {
    const std::lock_guard lock(listeners_mutex_);
    for (EventSink* listener : listeners_) listener->emit(event);
  }
  ring_->append(event);
}

void EventHub::note_holds(const EventRecord& event) {
  const bool begins = event.id == coordinator::kEventHoldBegun;
  const bool ends =
      event.id == coordinator::kEventHoldEnded || event.id == coordinator::kEventSessionEnded;
  if (!begins && !ends) return;
  const auto session = event.fields.find("session");
  if (session == event.fields.end()) return;
  if (begins) {
    gate_->begins(session->second);
  } else {
    gate_->ends(session->second);
  }
}

void EventHub::add_listener(EventSink& listener) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(&listener);
}

void EventHub::hold_begins(const std::string& session) {
  gate_->begins(session);
}

void EventHub::hold_ends(const std::string& session) {
  if (gate_->ends(session)) ring_->wake();
}

void EventHub::reopen_files() {
  for (const auto& pump : pumps_) pump->reopen();
}

std::vector<EventPumpState> EventHub::outputs() const {
  std::vector<EventPumpState> states;
  for (const auto& pump : pumps_) states.push_back(pump->state());
  return states;
}

bool EventHub::flush(std::chrono::milliseconds patience) const {
  const std::uint64_t last = ring_->last();
  const auto done = [&] {
    return std::all_of(pumps_.begin(), pumps_.end(),
                       [&](const auto& pump) { return pump->done_with(last); });
  };
  const BootTime until = system_clock().now() + patience;
  while (!done()) {
    if (system_clock().now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// A log cannot tell of its own failure; the others, and the ring, can.
void EventHub::output_changed(const std::string& name, const Status& now, std::uint64_t lost) {
  EventRecord event;
  event.id = now.ok() ? kEventLogWritesAgain : kEventLogFailing;
  event.source = "events";
  event.level = now.ok() ? EventLevel::info : EventLevel::warning;
  event.message = now.ok() ? "the " + name + " takes events again"
                           : "the " + name + " takes no events: " + now.error().what() +
                                 "; they wait in memory and are written once it does";
  event.fields = {{"output", name}, {"lost", std::to_string(lost)}};
  event.when = clock_.wall_now();
  emit(event);
}

}  // namespace stillframe::daemon

#include "framework/base/event_sink.hpp"

#include "framework/base/memory_event_sink.hpp"

namespace stillframe {
namespace {

class NullEventSink final : public EventSink {
 public:
  void emit(const EventRecord&) override {}
};

}  // namespace

std::string_view to_string(EventLevel level) noexcept {
  switch (level) {
    case EventLevel::info:
      return "info";
    case EventLevel::warning:
      return "warning";
    case EventLevel::error:
      return "error";
  }
  return "error";
}

EventSink& null_event_sink() {
  static NullEventSink sink;
  return sink;
}

void MemoryEventSink::emit(const EventRecord& event) {
  std::lock_guard lock(mutex_);
  if (events_max_ == 0) {
    ++dropped_;
    return;
  }
  if (events_.size() == events_max_) {
    events_.pop_front();
    ++dropped_;
  }
  events_.push_back(event);
}

std::vector<EventRecord> MemoryEventSink::events() const {
  std::lock_guard lock(mutex_);
  return {events_.begin(), events_.end()};
}

std::uint64_t MemoryEventSink::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace stillframe

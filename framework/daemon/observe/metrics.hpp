// Numbers for monitoring, computed from events and nothing else.
#pragma once

#include <memory>
#include <string>

#include "framework/base/event_sink.hpp"

namespace stillframe::daemon {

// A listener of the event hub: emit() counts and returns. Names and labels are in
// docs/monitoring.md; every label's values come from a closed list, or are bounded.
class Metrics final : public EventSink {
 public:
  explicit Metrics(const std::string& version);
  ~Metrics() override;

  void emit(const EventRecord& event) override;

  // Prometheus text exposition, version 0.0.4.
  std::string text() const;

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace stillframe::daemon

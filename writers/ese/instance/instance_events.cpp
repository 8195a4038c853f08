#include "writers/ese/instance/instance_events.hpp"

#include <utility>

#include <stillframe/time.hpp>

#include "framework/base/path.hpp"

namespace stillframe::ese {

void InstanceEvents::tell(EngineEvent event, EventLevel level, std::string message,
                          Fields fields) const {
  if (sink_ == nullptr) return;
  EventRecord record;
  record.id = static_cast<int>(event);
  record.source = "ese";
  record.level = level;
  record.message = std::move(message);
  record.fields = std::move(fields);
  record.fields.emplace("logs", escape_path(logs_));
  record.when = system_clock().wall_now();
  sink_->emit(record);
}

}  // namespace stillframe::ese

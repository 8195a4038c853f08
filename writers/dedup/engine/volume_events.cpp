#include "writers/dedup/engine/volume_events.hpp"

#include <stillframe/time.hpp>

#include "framework/base/byte_text.hpp"

namespace stillframe::dedup {

void VolumeEvents::tell(VolumeEvent event, EventLevel level, std::string message,
                        Fields fields) const {
  if (sink_ == nullptr) return;
  EventRecord record;
  record.id = static_cast<int>(event);
  record.source = "dedup";
  record.level = level;
  record.message = std::move(message);
  record.fields = std::move(fields);
  record.fields.emplace("volume", escape_bytes(device_));
  record.when = system_clock().wall_now();
  sink_->emit(record);
}

}  // namespace stillframe::dedup

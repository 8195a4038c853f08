#include "framework/providers/common/environment.hpp"

#include <unistd.h>

#include "framework/base/event_sink.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kHostBytesMax = 256;

std::string machine_name() {
  char name[kHostBytesMax + 1] = {};
  return ::gethostname(name, kHostBytesMax) == 0 ? name : "localhost";
}

}  // namespace

WorkEnvironment::WorkEnvironment(ProviderEnvironment environment, std::string source)
    : environment_(std::move(environment)), source_(std::move(source)) {
  if (environment_.events == nullptr) environment_.events = &null_event_sink();
  if (environment_.clock == nullptr) environment_.clock = &system_clock();
  if (environment_.host.empty()) environment_.host = machine_name();
}

Status WorkEnvironment::at(std::string_view point) const {
  if (environment_.faults == nullptr) return Ok{};
  return environment_.faults->reached(point);
}

void WorkEnvironment::warn(ProviderEvent event, const std::string& message) const {
  emit(event, static_cast<int>(EventLevel::warning), message);
}

void WorkEnvironment::inform(ProviderEvent event, const std::string& message) const {
  emit(event, static_cast<int>(EventLevel::info), message);
}

void WorkEnvironment::emit(ProviderEvent event, int level, const std::string& message) const {
  EventRecord record;
  record.id = static_cast<int>(event);
  record.source = source_;
  record.level = static_cast<EventLevel>(level);
  record.message = message;
  record.when = clock().wall_now();
  environment_.events->emit(record);
}

}  // namespace stillframe

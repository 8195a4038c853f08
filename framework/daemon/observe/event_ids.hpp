// Ids of the events that observation itself gives. Stable for ever; docs/events.md says what each
// means.
#pragma once

namespace stillframe::daemon {

inline constexpr int kEventLogFailing = 2050;
inline constexpr int kEventLogWritesAgain = 2051;
inline constexpr int kEventMetricsListenFailed = 2052;

}  // namespace stillframe::daemon

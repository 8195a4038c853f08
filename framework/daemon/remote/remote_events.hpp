// Ids of the events about requestors on other machines; docs/events.md says what each means.
#pragma once

namespace stillframe::daemon {

inline constexpr int kEventRemoteListens = 2240;
inline constexpr int kEventRemoteNotServed = 2241;
inline constexpr int kEventRemoteTurnedAway = 2242;
inline constexpr int kEventRemoteNotReloaded = 2243;
inline constexpr int kEventMoverStarted = 2244;
inline constexpr int kEventMoverEnded = 2245;
inline constexpr int kEventMoverDied = 2246;

}  // namespace stillframe::daemon

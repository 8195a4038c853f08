// What the supervisor of host processes tells an administrator; docs/events.md describes each.
#pragma once

namespace stillframe::daemon {

enum class HostEvent : int {
  started = 2230,
  died = 2231,
  restarting = 2232,
  quarantined = 2233,
  released = 2234,
  quarantine_unreadable = 2235,  // the file of the last run
  quarantine_unwritten = 2236,
  stopped = 2237,  // as asked
  overran = 2238,  // it did not end when asked to, and was killed
};

}  // namespace stillframe::daemon

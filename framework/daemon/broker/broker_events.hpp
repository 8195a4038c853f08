// The broker's audit trail: one event for every privileged action, done or refused.
#pragma once

namespace stillframe::daemon {

// Ids 2200 to 2219; docs/events.md lists them.
enum class BrokerEvent : int {
  listening = 2200,
  refused_peer = 2201,  // a process that may not use the broker tried to
  started = 2202,       // a provider's or a plug-in's host
  ended = 2203,         // one of them
  killed = 2204,        // one of them, on request
  thawed = 2205,        // what a held record lists; also at the start of the broker
  flushed = 2206,       // a file system
  opened = 2207,        // files of an exposed snapshot
  refused = 2208,       // a request, or it failed
  connection_ended = 2209,
};

}  // namespace stillframe::daemon

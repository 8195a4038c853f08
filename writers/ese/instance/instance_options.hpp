// What an instance is told when it starts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <stillframe/byte_path.hpp>

#include "framework/base/event_sink.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/engine/time_and_chance.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/format/small_types.hpp"
#include "writers/ese/recovery/recovery_plan.hpp"

namespace stillframe::ese {

class StartGate;

struct InstanceOptions {
  BytePath logs;    // the folder of the logs
  BytePath system;  // that of the checkpoint; empty: the same
  std::string base = "edb";
  LogExtensions extensions = LogExtensions::log_chk;
  bool eight_digits = false;
  int reserves = 2;
  std::uint32_t log_bytes = 5U << 20;  // of a new sequence; an old one keeps its own
  // Finished logs go as soon as no recovery needs them; otherwise they wait for a backup.
  bool circular = false;
  // A start loses transactions whose logs are gone, instead of refusing.
  bool accept_lost_commits = false;
  bool tell_lost_commits = true;  // as an event
  // Deals with a restore that was registered; none: a start refuses while there is one.
  StartGate* gate = nullptr;
  // Where a start looks for the databases that have to be recovered. One that was moved has to be
  // found again by every start until one has succeeded.
  DatabasePlaces databases = DatabasePlaces::where_logged();
  MissingDatabases missing = MissingDatabases::left;
  // As in RecoveryOptions.
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress{};

  std::uint32_t page_bytes = 8192;     // of all databases
  std::uint32_t database_pages = 256;  // of a new one
  std::size_t cache_bytes = std::size_t{64} << 20;
  std::size_t version_bytes = std::size_t{64} << 20;

  // A recovery would have to read about so much of the log at most: pages that have waited longer
  // are written. A transaction that stays open keeps it from that.
  std::uint64_t checkpoint_depth = std::uint64_t{20} << 20;
  // How long the background rests between two rounds of cleaning up; zero: there is none, and
  // maintain() is the caller's to call.
  std::chrono::milliseconds background_pause{100};

  // Told what an administrator may want to find later; none: nobody is. Called in any thread, also
  // with locks of the engine held, so it must not call back. It outlives the instance.
  EventSink* events = nullptr;

  LogStream::Clock clock;                 // called in any thread
  std::function<std::uint32_t()> random;  // for signatures
};

}  // namespace stillframe::ese

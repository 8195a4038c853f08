// What recovery would do with the logs and databases that are there, or why it refuses: decided
// before anything is changed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/log_set.hpp"
#include "writers/ese/recovery/attached_databases.hpp"

namespace stillframe::ese {

struct RecoveryOptions {
  BytePath logs;     // the folder
  BytePath system;   // that of the checkpoint, if it is another one
  std::string base;  // "edb"
  DatabasePlaces databases;
  // Go on when generations are missing that hold only newer transactions: these are lost then.
  bool accept_lost_commits = false;
  std::size_t cache_bytes = std::size_t{64} << 20;
  // What databases get that are finished apart from their logs, and the time in their headers.
  Signature identity;
  LogTime now;
  // Called now and then: generations read of those there are.
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

enum class PlannedAction {
  redo,       // changes are replayed, then what is not committed is undone
  create,     // the log makes the database from nothing
  nothing,    // it was shut down in good order, and the logs have nothing newer
  set_aside,  // the logs are not for this file, or it is not there
};
std::string_view name_of(PlannedAction action) noexcept;

struct PlannedDatabase {
  std::string logged_path;
  BytePath file;
  PlannedAction action = PlannedAction::nothing;
  std::string why;            // it is set aside
  bool clean_at_end = false;  // the log itself shuts it down
};

struct RecoveryPlan {
  LogSet logs;
  Lgpos start;
  Generation last = Generation::none;
  bool from_checkpoint = false;
  std::vector<Attachment> attached;  // at the start
  std::vector<PlannedDatabase> databases;
  std::uint64_t records = 0;
  LogStreamEnd end;
  bool ended_in_order = false;     // the last record ends a run, or a recovery
  std::vector<std::string> notes;  // for people: what is odd, and harmless

  bool anything_to_do() const;
};

// Reads all logs that would be replayed. An error is a refusal, and names what is missing, wrong or
// not supported: a file, or a record by its position.
Result<RecoveryPlan> plan_recovery(Files& files, const RecoveryOptions& options);

}  // namespace stillframe::ese

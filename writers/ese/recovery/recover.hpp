// Brings databases that were not shut down to a consistent state with their logs.
#pragma once

#include <optional>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/recovery/continued_log.hpp"
#include "writers/ese/recovery/quiet_position.hpp"
#include "writers/ese/recovery/recovery_plan.hpp"
#include "writers/ese/recovery/redo.hpp"

namespace stillframe::ese {

struct RecoveryReport {
  RecoveryPlan plan;
  RedoCounts counts;
  // Of a recovery that pauses: how far it came; none when there was no such position yet, and
  // nothing was changed.
  std::optional<QuietPosition> paused = std::nullopt;
};

// Finishes what an interrupted run left beside the databases in these places, so that planning sees
// the databases as they are. True if anything was there.
Result<bool> settle_interrupted(Files& files, const RecoveryOptions& options);

// Plans, replays, undoes, and makes the files what they should be, in place; the logs and the
// checkpoint are only read, unless the log is continued: then it gets what was undone, and the
// databases stay those of this log. Refuses (as plan_recovery() does, or with the record that does
// not fit) before any database is changed. May be interrupted at any point and run again: the
// outcome is the same.
Result<RecoveryReport> recover(Files& files, const RecoveryOptions& options,
                               ContinuedLog* log = nullptr);

}  // namespace stillframe::ese

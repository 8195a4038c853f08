// Where in a log no transaction is open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/small_types.hpp"
#include "writers/ese/recovery/recovery_plan.hpp"

namespace stillframe::ese {

// Behind a record.
struct QuietPosition {
  std::uint64_t records = 0;  // from where the plan starts
  Generation generation = Generation::none;
  LogTime created;  // the generation
};

// What has begun in a log and not ended: transactions, macros, databases that are being made. What
// began before the first record that it sees is not known.
class OpenWork {
 public:
  void follow(const LogRecord& record);
  bool none() const {
    return levels_.empty() && macros_.empty() && creations_.empty() && !undoing_;
  }

 private:
  std::map<Procid, int> levels_;
  std::set<std::pair<Procid, Dbtime>> macros_;
  std::set<Dbid> creations_;
  bool undoing_ = false;  // a recovery is; what it does not have is undone where it ends
};

// The last one that the plan's logs have. What was open where they start has to end before
// whatever the plan's databases may lack, as it does for a log that a checkpoint lies in.
Result<std::optional<QuietPosition>> find_quiet_position(Files& files,
                                                         const RecoveryOptions& options,
                                                         const RecoveryPlan& plan);

}  // namespace stillframe::ese

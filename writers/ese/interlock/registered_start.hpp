// The start of an instance that may have been restored: it refuses while files are being put in
// place, recovers them when they are, and goes on as ever.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/instance/start_gate.hpp"
#include "writers/ese/interlock/restore_record.hpp"

namespace stillframe::ese {

// For one start. Whoever starts the instance has its folders to himself.
//
// A start that is stopped in the middle of the recovery is begun again, and comes to the same end.
class RegisteredStart final : public StartGate {
 public:
  using Progress =
      std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;
  // Keeps others away from a database until the start is over, or says who has it.
  using Claim = std::function<Status(const BytePath& database)>;
  explicit RegisteredStart(Claim claim = {}, Progress progress = {})
      : claim_(std::move(claim)), progress_(std::move(progress)) {}

  // RestoreInProgress; what restore_databases() refuses, or who is asked for a claim, before any
  // database is changed: then the record stays as it is.
  Status open(Files& files, const InstanceOptions& options) override;
  Status started(Files& files, const InstanceOptions& options) override;

 private:
  Status claim_all(const std::vector<RestoredPath>& databases) const;

  const Claim claim_;
  const Progress progress_;
  bool remove_ = false;  // the record has served
};

}  // namespace stillframe::ese

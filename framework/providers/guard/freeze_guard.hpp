// Freezes file systems so that no failure of one process leaves them frozen. Two tiny processes
// hold the freeze, each watching the other and this one: when the client falls silent for the
// lease, ends, asks for it, or the limit passes, they thaw; when one of them dies, the survivor
// thaws at once. Both killed at the same instant: this client thaws; all three: the next start
// does, from the record (thaw_recorded() in held_record.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe {

struct FreezeGuardOptions {
  BytePath helper_dir;  // where stillframe-guard is; empty: find_helper()'s places
  // On a tmpfs, so that a reboot empties it. Made when missing.
  BytePath record_directory = "/run/stillframe/held";
  std::chrono::milliseconds lease{5'000};   // the longest silence of the client
  std::chrono::milliseconds limit{10'000};  // the longest freeze, from the request on
  // File systems that hold these paths are refused, beside those of the root directory, the record
  // and the guard program: the caller's journal, its state, its log.
  std::vector<BytePath> never_freeze;
};

enum class ThawedBy { nobody, holder, keeper, client };

// What is known about a freeze after its end.
struct FreezeStatement {
  BootTime frozen_from;   // every file system was frozen at this instant,
  BootTime frozen_until;  // and until this one, if `unbroken`
  bool unbroken = false;
  ThawedBy thawed_by = ThawedBy::nobody;
  bool on_request = false;    // false: a lease, a limit or a death ended it
  std::string ended_because;  // for people; also for the good end

  // Whether the freeze is proven to have covered a cut made between these instants.
  bool covers(BootTime begun, BootTime ended) const noexcept {
    return unbroken && frozen_from <= begun && ended <= frozen_until;
  }
};

// For one freeze of one list of file systems. Not for several threads at once, heartbeat()
// excepted. The destructor thaws and waits until that is done.
class FreezeGuard {
 public:
  // Starts the pair and returns once both run; nothing is frozen yet, so this belongs before the
  // hold. Each descriptor is of a directory on the file system to freeze (its mount point, as a
  // rule), open for reading.
  static Result<std::unique_ptr<FreezeGuard>> start(const FreezeGuardOptions& options,
                                                    std::vector<Descriptor> targets);
  virtual ~FreezeGuard() = default;

  // Returns when every target is frozen, or none of them is. in_use: one was frozen by somebody
  // else, whose freeze is left alone. timed_out: not within `deadline`; being thawed. Sync the file
  // systems before: dirty pages are written inside.
  virtual Status freeze(Deadline deadline) = 0;

  // Proves that the client lives; due at least every `lease` from freeze() to thaw(). Any thread.
  virtual void heartbeat() noexcept = 0;

  // Ends the freeze and says how it went; when it had ended before, says that. Returns when nothing
  // of this guard is frozen; an error means that the kernel refused to thaw, and that the guards go
  // on trying. Idempotent.
  virtual Result<FreezeStatement> thaw() = 0;

  // What is less safe here than it should be, for events and `doctor`.
  virtual std::vector<std::string> warnings() const = 0;

  virtual int holder_pid() const noexcept = 0;
  virtual int keeper_pid() const noexcept = 0;
};

}  // namespace stillframe

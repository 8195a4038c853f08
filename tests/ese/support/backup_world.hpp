// An instance with two databases, four threads that work on them, and backups of it; restored
// elsewhere, its databases have to hold what they held at the backup.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tests/ese/support/backup_sets.hpp"
#include "tests/ese/support/instance_model.hpp"
#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/backup/hard_restore.hpp"

namespace stillframe::ese::tests {

// What the databases hold at some moment, by path.
class BackupWorld {
 public:
  static constexpr std::size_t kThreads = 4;
  static const std::vector<BytePath>& paths();

  BackupWorld(std::uint32_t page_bytes, std::uint64_t seed);
  ~BackupWorld();

  CrashingFiles& files() { return *files_; }
  // Over the same files; those of the instance.
  FreezableFiles& freezable() { return freezable_; }
  InstanceOptions& options() { return options_; }
  Instance& instance() { return *instance_; }
  StreamingBackup& backup() { return *backup_; }

  void start();
  // Four threads, each with a table of its own, two on each database; all that they do has ended.
  void work(std::uint64_t steps);
  // The same beside what `meanwhile` does.
  void work_beside(std::uint64_t steps, const std::function<void()>& meanwhile);
  // The threads write from before `meanwhile` is called until after it has returned, so many steps
  // at least, and stop in the middle of transactions.
  void load_beside(std::uint64_t steps, const std::function<void()>& meanwhile);
  // As a machine that stops, with everything that was committed durable.
  void leave();

  // What is committed now.
  using State = std::vector<std::unique_ptr<InstanceModel>>;
  // For databases in these places, in the order of paths(); an empty one is not looked at.
  State state_for(const std::vector<BytePath>& places) const;
  // Moments of all threads, see InstanceModel.
  void begin_moment();
  void end_moment();
  State at_moment(const std::vector<BytePath>& places) const;
  // Expects it of restored databases that an instance with its logs in `logs` attaches, and that
  // these are sound when that has stopped, and remember no backup.
  void expect_state(const State& state, const std::vector<BytePath>& places, const BytePath& logs);
  // The same of databases whatever they remember, and an instance like this.
  void expect_state(const State& state, const std::vector<BytePath>& places,
                    const InstanceOptions& options);

 private:
  void write_until(InstanceModel& model, std::uint64_t steps, const std::function<void()>& warm,
                   const std::atomic<bool>& over);

  std::unique_ptr<CrashingFiles> files_ = std::make_unique<CrashingFiles>();
  FreezableFiles freezable_{*files_};
  InstanceOptions options_;
  std::vector<std::unique_ptr<InstanceModel>> models_;  // even ones on the first database
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<StreamingBackup> backup_;
};

// Copies of a set's files below `place`, as a restore wants them.
struct PlacedSet {
  std::vector<BytePath> databases;  // in the order of BackupWorld::paths()
  HardRestore restore;
};
PlacedSet place_set(Files& files, const BackupSet& set, const BytePath& place);

}  // namespace stillframe::ese::tests

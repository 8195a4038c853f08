// A small application's store: entries go to a log at once and to the data file at a checkpoint.
//
//   DIR/data/entries.dat       entries 1..n, append-only
//   DIR/logs/00000001.log ...  every entry since logs were last truncated, by generation
//   DIR/last_backup            the stamp of the newest completed full or incremental backup
//
// Logs are never removed by a checkpoint: a backup that is durable is the only reason to let one
// go.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "samples/journal_writer/record_file.hpp"

namespace journal {

struct Place {
  std::string dir;
  std::string data_dir() const { return dir + "/data"; }
  std::string log_dir() const { return dir + "/logs"; }
  std::string data_file() const { return data_dir() + "/entries.dat"; }
  std::string log_file(std::uint64_t generation) const;
};

// Generations that are on disk, in order.
Result<std::vector<std::uint64_t>> log_generations(const Place& place);

class Journal {
 public:
  // Makes the store if there is none. Replays logs over the data file; a gap between the two is
  // recovery_failed. All calls below: any thread.
  static Result<std::unique_ptr<Journal>> open(const Place& place);

  // Durable when it returns. Waits while the journal is held.
  Status put(std::string_view text);
  std::uint64_t last_entry() const;

  // Moves everything the logs have to the data file.
  Status checkpoint();
  // Closes the current log generation and starts the next; answers the closed one.
  Result<std::uint64_t> roll();
  Status remove_logs_through(std::uint64_t generation);

  void hold();     // no put() is under way and none gets through until release()
  void release();  // idempotent

 private:
  explicit Journal(Place place) : place_(std::move(place)) {}
  Status load();
  Status append_to_log(std::string_view record);
  Status checkpoint_locked();

  const Place place_;
  mutable std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;
  RecordFile data_;
  RecordFile log_;
  std::uint64_t generation_ = 1;
  std::uint64_t last_ = 0;                // newest entry
  std::vector<std::string> not_in_data_;  // records that only logs have
};

// Reads a stopped store without changing it: the number of its newest entry.
Result<std::uint64_t> inspect(const Place& place);

}  // namespace journal

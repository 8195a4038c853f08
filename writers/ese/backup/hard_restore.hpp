// Makes databases that were copied while they were in use consistent, with the logs of their backup
// and whatever logs go on from these. docs/ese/backup.md has the order of things.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/backup/restore_logs.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/recovery/recover.hpp"

namespace stillframe::ese {

struct RestoredPath {
  std::string logged;  // the path at the time of the backup
  BytePath file;       // where the copy is now
};

struct HardRestore {
  std::vector<RestoredPath> databases;  // the others of the logs are left alone
  BytePath set;                         // the folder of the backup's logs
  std::string base = "edb";
  // Of the set, as the backup said; none: by the files.
  Generation low = Generation::none, high = Generation::none;
  // The folder for what is undone; newer logs there are replayed first. It may be the set's.
  BytePath logs;
  BytePath checkpoint;
  // Newer logs of an instance that runs, up to this one, instead of any in `logs`: only read. Then
  // `logs` has to be without logs.
  BytePath running_logs;
  Generation running_last = Generation::none;
  bool create_paths = false;     // `logs` and `checkpoint`, if they are not there
  std::uint32_t page_bytes = 0;  // that the databases have to have; 0: any
  std::size_t cache_bytes = std::size_t{64} << 20;
  LogStream::Clock clock;                 // none: this machine's
  std::function<std::uint32_t()> random;  // likewise
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

struct HardRestored {
  Generation low = Generation::none, high = Generation::none;  // of the set
  RecoveryReport recovery;
};

// On success every database is cleanly shut down, knows of no backup before, and can be attached.
// A refusal (of check_restore_logs(), check_restored_database() or the logs' records) has changed
// nothing. What was interrupted may be begun again: it comes to the same end, or is refused with
// the request to copy the databases again.
Result<HardRestored> restore_databases(Files& files, const HardRestore& restore);

// The checks of restore_databases() alone.
Status check_restore(Files& files, const HardRestore& restore);

// Finishes the log of an instance that runs on while databases are restored beside it: the newest
// log that such a restore may read, its `running_last`.
Result<Generation> finish_log_for_restore(Instance& target);

}  // namespace stillframe::ese

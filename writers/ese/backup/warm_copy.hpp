// A copy of an instance's databases that is kept near them: the finished logs of the instance are
// copied, and replayed as far as no transaction is open. docs/ese/backup.md says why no further.
//
//   begin_warm_copy() once → ship_logs(), replay_warm_copy() again and again → finish_warm_copy()
//
// Each may be killed at any moment and begun again. One at a time for a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/recover.hpp"

namespace stillframe::ese {

struct WarmCopy {
  BytePath folder;  // databases, logs and a marker
  std::string base = "edb";
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress = {};
};

enum class WarmCopyState { absent, kept, finished };
WarmCopyState warm_copy_state(Files& files, const WarmCopy& copy);

// From a backup of the instance in the folder `set`. already_exists for a folder that has anything
// but what an interrupted call left; otherwise errors as restore_from_directory().
Status begin_warm_copy(Files& files, const WarmCopy& copy, const BytePath& set);

// Copies the finished logs in `source` that the copy does not have, each verified, oldest first.
// missing_current_log_files, naming them, for generations that are not there any more; nothing is
// copied then. wrong_state for a copy that was finished.
Result<std::vector<Generation>> ship_logs(Files& files, const WarmCopy& copy,
                                          const BytePath& source);

struct WarmReplay {
  std::vector<BytePath> databases;
  std::optional<Generation> replayed_to;  // none: no position to stop at yet
  Generation newest = Generation::none;   // that was copied
  RedoCounts counts;
};
// Removes the logs that no replay needs any more.
Result<WarmReplay> replay_warm_copy(Files& files, const WarmCopy& copy);

// All logs are replayed and open transactions undone: the databases are cleanly shut down, and no
// further log can be replayed. May be called again.
Result<WarmReplay> finish_warm_copy(Files& files, const WarmCopy& copy);

}  // namespace stillframe::ese

// Runs somebody else's program in the foreground, as a shell would: same terminal, its signals and
// its exit code.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe::cli {

// A snapshot that the command is to see at its volume's own place.
struct InPlace {
  BytePath snapshot_root;
  BytePath mount_point;
};

struct CommandOptions {
  std::vector<std::string> command;                              // searched in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  // Mounted over their volumes, read-only, in a mount namespace of the command's own.
  std::vector<InPlace> in_place;
  std::optional<Deadline> kill_at;  // the whole process group, when it runs longer
};

inline constexpr int kNotFoundStatus = 127;  // as shells say it
inline constexpr int kKilledStatus = 128;    // plus the signal's number

// The command's exit code; kKilledStatus + n for signal n. A stop request is passed on as SIGTERM.
// Errors: it could not be started; timed_out when it had to be killed.
Result<int> run_command(const CommandOptions& options, std::stop_token stop = {});

}  // namespace stillframe::cli

// The files of a log sequence on the engine's side: listing and reading them, preparing the next
// one, and giving names so that a crash between any two steps leaves a sequence that can go on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_chain.hpp"
#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct LogDirectoryOptions {
  BytePath path;
  std::string base = "edb";
  LogExtensions extensions = LogExtensions::log_chk;
  bool eight_digits = false;  // for archived logs that five digits would do for
  int reserves = 2;           // files that keep room to end cleanly when the disk is full
};

// Keeps no state, so that removing old generations may run beside a roll; two rolls may not. Every
// step that returned is durable, except that a prepared file gets its name only with the roll.
class LogDirectory {
 public:
  LogDirectory(Files& files, LogDirectoryOptions options);

  const LogDirectoryOptions& options() const noexcept { return options_; }
  bool has_current() const { return files_.exists(current_path()); }

  // Every log of the sequence by its header. A temporary log without a good header is left out: it
  // was being prepared. Any other bad file is an error.
  Result<LogChain> chain() const;
  Result<LogGeneration> read(const ChainLog& log, const LogReadRules& rules) const;
  // As LogReader wants it.
  Result<LogGeneration> read(const LogChain& chain, Generation generation, bool last) const;

  Result<std::unique_ptr<File>> open_current() const;

  // The temporary log as a file of `bytes` zeros, in place of any there is; log_disk_full when
  // there is no room. Nothing is left of it after an error.
  Result<std::unique_ptr<File>> prepare(std::uint64_t bytes);
  // The same, from the room that a reserve file held; not_found when none is left.
  Result<std::unique_ptr<File>> prepare_from_reserve(std::uint64_t bytes);
  // Makes the reserve files that are missing.
  Status fill_reserves(std::uint64_t bytes);

  // The two steps of a roll. Between them there is no current log, which chain() shows as rolling.
  Status archive_current(Generation generation);
  Status name_current();
  void forget_temporary();

  // Removes archived logs below `generation`, oldest first, so that what is left is one sequence
  // whenever it stops. The number of files removed.
  Result<std::size_t> remove_below(Generation generation);

 private:
  BytePath path_of(const std::string& name) const;
  BytePath current_path() const;
  BytePath temporary_path() const;
  BytePath reserve_path(int number) const;
  Result<std::unique_ptr<File>> create_zeros(const BytePath& path, std::uint64_t bytes);

  Files& files_;
  const LogDirectoryOptions options_;
};

}  // namespace stillframe::ese

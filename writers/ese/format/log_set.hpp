// The log files of a directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/format/checkpoint.hpp"
#include "writers/ese/format/log_chain.hpp"

namespace stillframe::ese {

// A file whose header could not be read.
struct BadLogFile {
  std::string file;
  Error error;
};

struct LogSet {
  BytePath directory;
  std::string base;
  LogChain chain;
  std::vector<BadLogFile> bad;
  std::optional<Result<CheckpointFile>> checkpoint;  // none when there is no such file

  // A generation of the chain, read whole.
  Result<LogGeneration> open(Generation generation, bool last) const;
};

// The base names of the sequences that `directory` has a current log or a checkpoint of.
Result<std::vector<std::string>> log_bases(const BytePath& directory);

// Every log file of the sequence `base` by its header, and the checkpoint. Only reads.
Result<LogSet> list_log_set(const BytePath& directory, const std::string& base);

}  // namespace stillframe::ese

// The logs of a directory, read through the files that recovery works on. Nothing is changed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_set.hpp"

namespace stillframe::ese {

// The whole file; an error when it is larger than `bytes_max`.
Result<std::vector<std::byte>> read_whole(Files& files, const BytePath& path,
                                          std::size_t bytes_max);

// Every log of the sequence `base` by its header, and the checkpoint.
Result<LogSet> read_log_set(Files& files, const BytePath& directory, const std::string& base);

// The checkpoint of the sequence in this folder; none if there is no such file.
std::optional<Result<CheckpointFile>> read_checkpoint_of(Files& files, const BytePath& directory,
                                                         const std::string& base);

// The logs of `base` that `from` speaks of as one set, whose files are named with their folders.
struct RestoredLogs;
Result<LogSet> read_restored_logs(Files& files, const RestoredLogs& from, const std::string& base);

// A generation of the set's chain, whole; `last` is the newest that is read.
Result<LogGeneration> read_generation(Files& files, const LogSet& set, Generation generation,
                                      bool last);

// The finished logs of a directory, by their names.
Result<std::map<Generation, BytePath>> archived_logs(Files& files, const BytePath& directory,
                                                     const std::string& base);

// As people and file names write it.
std::string hexadecimal(Generation generation);

}  // namespace stillframe::ese

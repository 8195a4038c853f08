// Which files make up a log sequence, and whether they belong together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/log_names.hpp"

namespace stillframe::ese {

// A log file by its header; the records may not have been looked at.
struct ChainLog {
  std::string file;
  LogFileName name;
  LogFileHeader header;

  Generation generation() const { return header.fields.generation; }
};

// Something that keeps a chain from being replayed through this generation.
struct ChainFinding {
  EseErr err;
  Generation generation = Generation::none;  // where it shows
  std::string what;

  Error error() const { return ese_error(err, what); }
};

struct LogChain {
  std::vector<ChainLog> logs;          // archived and current, in ascending generation
  std::vector<ChainLog> temporaries;   // being prepared, or old ones kept for their room
  std::vector<ChainFinding> findings;  // in ascending generation
  // There is no current log, but one in preparation: the writer stopped between the two renames of
  // a roll. The archived logs are complete then.
  bool rolling = false;

  bool whole() const { return findings.empty(); }
  // The generations that follow each other without a finding up to the newest, oldest first. Equal
  // when the newest itself does not fit.
  Generation usable_from() const;
  Generation newest() const;
  const ChainLog* find(Generation generation) const;
};

// Sorts `files`, all of one sequence by their names, and checks each against the one before:
// missing_log_file for a gap, bad_log_signature, invalid_log_sequence for creation times that do
// not match, and for names that contradict the header or each other.
LogChain examine_chain(std::vector<ChainLog> files);

// What the next generation's header has to say of `before`. `checksums`: of before's segments, if
// they have been read. No finding when it follows.
std::optional<ChainFinding> check_follows(const ChainLog& before, const ChainLog& next,
                                          std::optional<std::uint64_t> checksums);

// Which of the generations low..high a chain lacks, in ascending order, and at most `count_max`.
std::vector<Generation> missing_generations(const LogChain& chain, Generation low, Generation high,
                                            std::size_t count_max = 1000);

}  // namespace stillframe::ese

// A log of records that say their own number, so that a test can tell which of them a crash left.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_stream.hpp"

namespace stillframe::ese::tests {

// A host with nothing attached.
class QuietHost final : public LogHost {
 public:
  Lgpos checkpoint() override { return {}; }
  std::vector<Attachment> attachments() override { return {}; }
  Status begun(Generation, LogTime) override { return Ok{}; }
};

// A record of about `text_bytes`, whose bytes follow from `number`.
std::vector<std::byte> numbered_record(std::uint64_t number, std::size_t text_bytes);
// Its number; none when its bytes are not what they should be.
std::optional<std::uint64_t> number_of(Bytes record);

// The clock of a log under test: every call a second later.
LogStream::Clock counting_clock();

using NumberedRecords = std::map<Lgpos, std::uint64_t>;
struct ReadLog {
  NumberedRecords records;
  LogStreamEnd end;
  bool empty = true;  // no file of the sequence is there
};
// All of the log, as recovery reads it. An error for a log that cannot be recovered from.
Result<ReadLog> read_numbered_log(Files& files, const LogDirectoryOptions& options);

// The log begun or continued, whichever its files ask for.
Result<std::unique_ptr<LogStream>> open_numbered_log(Files& files, const LogStreamOptions& options,
                                                     LogHost& host, const LogStream::Clock& clock);

}  // namespace stillframe::ese::tests

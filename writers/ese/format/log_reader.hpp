// Reads the records of a chain of generations, one after the other, whole.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/log_chain.hpp"
#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct LogRecord {
  Lgpos at;      // where it begins; of a record in pieces, where the first piece does
  Lgpos behind;  // where the search for the next one goes on
  Bytes bytes;   // type and all, until the reader's next call
  std::uint32_t page_bytes = 0;  // of the databases, as the log's header has it

  RecordType type() const { return static_cast<RecordType>(bytes[0]); }
};

// How reading came to its end, which is not always where the file ends.
struct LogStreamEnd {
  LogEnd end = LogEnd::full;
  Generation last = Generation::none;
  Lgpos position;               // behind the last whole record
  std::optional<Lgpos> torn;    // where a record begins whose rest was never written
  std::uint32_t abandoned = 0;  // good segments behind torn ones
};

class LogReader {
 public:
  // Gives a generation that the chain has; not_found (missing_log_file) when it has not. All but
  // the last are read with LogReadRules::complete.
  using Open = std::function<Result<LogGeneration>(Generation generation, bool last)>;
  // Takes each generation that has been read to its end.
  using Done = std::function<void(LogGeneration log)>;

  // Reads generations `first` to `last`, both in the chain, from the position `from` if that lies
  // in the first. `open` must outlive the reader.
  LogReader(Open open, Generation first, Generation last, Lgpos from = {}, Done done = {});
  ~LogReader();

  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // The next record; none at the end of the log. Pieces come as the whole record they make, padding
  // and the checksum records of old not at all. Errors besides those of `open`: log_corrupted for
  // pieces that make no record and for a generation that ends early without need; what
  // check_follows() finds where a generation begins; log_file_corrupt and bad_log_version for
  // records as in record_error(). After an error every call fails with it.
  Result<std::optional<LogRecord>> next();

  // How it ended; meaningful once next() has given none.
  const LogStreamEnd& end() const noexcept { return end_; }
  // The generation that the last record came from; none before the first.
  const LogGeneration* generation() const noexcept { return log_ ? &*log_ : nullptr; }

 private:
  // A record that is being put together.
  struct Pieces {
    Lgpos at;
    std::size_t whole = 0;
    std::vector<std::byte> bytes;
  };

  // What the next generation is checked against.
  struct Before {
    ChainLog log;
    std::uint64_t checksums = 0;
    std::size_t room = 0;
    bool early = false;  // it was left before its last segment was used
  };

  Result<bool> open_next();
  void remember_before();
  Status check_early_end(const RawRecord& first);
  Result<std::optional<RawRecord>> next_raw();
  Status begin_pieces(const RawRecord& raw);
  Result<bool> add_piece(const RawRecord& raw);
  Status check_whole() const;
  Result<std::optional<LogRecord>> fail(const Error& error);
  Result<std::optional<LogRecord>> finish();

  void give_away();

  Open open_;
  Done done_;
  Generation next_, last_;
  Lgpos from_;
  std::optional<LogGeneration> log_;
  std::optional<RawRecords> records_;
  std::optional<Pieces> pieces_;
  std::vector<std::byte> whole_;  // the bytes of the last record that came in pieces
  std::optional<Before> before_;
  std::optional<Error> failed_;
  LogStreamEnd end_;
};

}  // namespace stillframe::ese

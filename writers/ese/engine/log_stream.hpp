// The log as the engine writes it: records go in from any number of threads, and become durable in
// groups. Whatever was said to be durable is there after a crash, and so is everything before it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_directory.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/log_writer.hpp"

namespace stillframe::ese {

struct LogStreamOptions {
  LogDirectoryOptions directory;
  std::uint32_t file_bytes = 5 * 1024 * 1024;  // of a new sequence; an old one keeps its own
  std::uint16_t page_bytes = 8192;             // of the databases
  bool circular = false;                       // what the headers say; see remove_below()
};

// What a log asks of whoever it serves when a generation begins. Called from whatever thread
// appended, without a lock held but with the log stopped: appending from in here never returns.
class LogHost {
 public:
  virtual ~LogHost() = default;
  // For the new header: where recovery would begin now, and what is attached.
  virtual Lgpos checkpoint() = 0;
  virtual std::vector<Attachment> attachments() = 0;
  // The file is in place. Headers of databases have to say so, durably, before the first record of
  // it may count as committed; an error stops the log.
  virtual Status begun(Generation generation, LogTime created) = 0;
};

// Which room a record may take.
enum class LogRoom {
  normal,
  // Once the disk is full: that of the reserve logs too. For what ends transactions and the run.
  reserve,
};

struct LogStreamStats {
  std::uint64_t records = 0, flushes = 0, syncs = 0, bytes_written = 0;
};

class LogStream final : public WriteAhead {
 public:
  using Clock = std::function<LogTime()>;

  // Generation 1 of a new sequence with the signature `sequence`. already_exists when the directory
  // has logs. `files` and `host` outlive the stream.
  static Result<std::unique_ptr<LogStream>> begin(Files& files, LogStreamOptions options,
                                                  const Signature& sequence, LogHost& host,
                                                  Clock clock);
  // Behind what a reader of all generations read: repairs the torn tail, finishes a roll that was
  // interrupted. May be interrupted itself, and called again.
  static Result<std::unique_ptr<LogStream>> resume(Files& files, LogStreamOptions options,
                                                   const LogStreamEnd& end, LogHost& host,
                                                   Clock clock);

  // Behind `last`, a finished generation that lies elsewhere and whose segments sum up to
  // `checksums`: the next one, in a directory without logs of the sequence. May be interrupted, and
  // called again.
  static Result<std::unique_ptr<LogStream>> follow(Files& files, LogStreamOptions options,
                                                   const LogFileHeader& last,
                                                   std::uint64_t checksums, LogHost& host,
                                                   Clock clock);

  // Adds a record. It is not durable yet. A generation that cannot take it is finished, and the
  // next one begun. record_too_big for what no generation can take; log_disk_full when there is no
  // room for the next generation: nothing was added, nothing is lost, and later calls try again;
  // log_write_fail once writing failed: see failure().
  //
  // `noted` is told where the record is before anybody can add another one, or begin a generation:
  // for what the host has to know by then. It runs with the log locked and must not call it.
  using Noted = std::function<void(Lgpos at)>;
  Result<AppendedRecord> append(Bytes record, LogRoom room = LogRoom::normal,
                                const Noted& noted = {});

  // The next record begins a segment of its own, if nobody else comes first.
  Status begin_segment();

  // Returns once every record that begins at or before `at` is durable. One sync serves all who
  // wait meanwhile.
  Status make_durable(Lgpos at) override;
  Status make_all_durable() { return make_durable(end()); }

  // Where the next record will begin, or before that.
  Lgpos end() const noexcept;
  // Everything that begins before this is durable.
  Lgpos durable() const;
  // After a failed write or sync nobody knows what the disk holds, so the log takes nothing more:
  // the error of every call from then on. What was durable before still is.
  std::optional<Error> failure() const;

  // Finishes the generation although it has room.
  Status roll();
  // Makes the file of the next generation once this one is half full, so that nobody waits for it
  // who appends. What goes wrong is for whoever needs the file, and tries again.
  void prepare_ahead();
  // Removes such a file: none is needed any more.
  void forget_prepared();
  // Removes finished generations that nothing needs any more: with circular logging at each advance
  // of the checkpoint, otherwise once a backup has them. The current one always stays. How many
  // files went.
  Result<std::size_t> remove_below(Generation oldest_needed);
  LogFileHeader header() const;
  LogStreamStats stats() const;

 private:
  LogStream(Files& files, LogStreamOptions options, LogHost& host, Clock clock);
  using Lock = std::unique_lock<std::mutex>;

  Status start_first(const Signature& sequence);
  Status start_behind(const LogStreamEnd& end);
  Status repair_current(const ChainLog& current, const LogStreamEnd& end);
  Status finish_roll(const LogChain& chain, const LogStreamEnd& end);
  Status begin_behind(const LogFileHeader& last, std::uint64_t checksums);
  Status take_temporary(LogFileHeader header);

  Status flush(Lock& lock);
  Status roll(Lock& lock, LogRoom room);
  Status finish_generation(Lock& lock);

  // The file of the next generation, without a header yet.
  struct Prepared {
    std::unique_ptr<File> file;
    bool from_reserve = false;
  };
  Result<Prepared> prepare_next(LogRoom room);
  Result<LogFileHeader> write_next_header(const Prepared& next, std::uint64_t checksums);
  Status swing_to(const LogFileHeader& header);
  Status write_steps(std::vector<LogWriteStep> steps);
  void publish_end();
  Error fail(const Error& cause);
  void begin_generation(std::unique_ptr<File> file, LogFileHeader header);

  const LogStreamOptions options_;
  LogDirectory directory_;  // files of the next generation: only who set rolling_ or preparing_
  LogHost& host_;
  const Clock clock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // of durable_, writing_, rolling_, preparing_, failure_
  bool writing_ = false;             // someone does I/O, without the mutex; nobody else may
  bool rolling_ = false;             // nothing may be added
  bool preparing_ = false;           // someone makes the file of the next generation ahead
  std::optional<Prepared> prepared_;
  std::optional<Error> failure_;
  std::optional<LogSegmentWriter> writer_;
  std::unique_ptr<File> file_;  // of the current generation
  LogFileHeader header_;
  Lgpos durable_;
  std::uint16_t kept_open_ = 0;  // the segment whose flushed state is on disk twice
  LogStreamStats stats_;
  std::atomic<std::uint64_t> end_{0};  // a position in one word, so that reading takes no lock
};

}  // namespace stillframe::ese

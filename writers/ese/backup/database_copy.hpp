// Reads one database for a backup while it is in use. docs/ese/backup.md says why what comes out
// can be recovered.
#pragma once

#include <cstdint>
#include <functional>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"
#include "writers/ese/instance/instance_database.hpp"

namespace stillframe::ese {

// How often a page is read that is not as it should be, and what happens before each further try.
struct ReadRetries {
  static constexpr int kMost = 16;

  std::function<Status(int attempt)> pause;  // an error ends the reading with it
  std::function<void(Pgno pgno, int attempt)> recovered;
};

// One thread at a time.
class DatabaseCopy {
 public:
  // `info` is what its header shall say of the backup; its newest generation is not known yet.
  static Result<DatabaseCopy> open(InstanceDatabase& database, LogStream& log,
                                   const BackupInfo& info);

  InstanceDatabase& database() const noexcept { return *database_; }
  std::size_t page_bytes() const { return database_->store().page_bytes(); }
  // Two headers, the pages that it owns now, and the trailer.
  std::uint64_t bytes() const { return pages_total() * page_bytes(); }
  bool begun() const noexcept { return next_ > 0; }
  bool complete() const { return next_ == pages_total(); }

  // As many whole pages as `into` has room for; 0 at the end. read_verify_failure, with the page
  // and the file, for one that stays bad.
  Result<std::size_t> read(MutableBytes into, const ReadRetries& retries);

 private:
  DatabaseCopy(InstanceDatabase& database, LogStream& log, const BackupInfo& info, Pgno last);

  std::uint64_t pages_total() const;
  Status read_one_kind(std::uint64_t pages, MutableBytes into, const ReadRetries& retries);
  std::uint64_t pages_of_this_kind() const;
  Status read_pages(Pgno first, MutableBytes into, const ReadRetries& retries);
  Status read_again(Pgno pgno, MutableBytes page, const ReadRetries& retries);
  void write_trailer(MutableBytes page) const;

  InstanceDatabase* database_;
  LogStream* log_;
  DatabaseHeader header_;
  Pgno last_;
  std::uint64_t next_ = 0;  // 0 and 1 are the headers
};

}  // namespace stillframe::ese

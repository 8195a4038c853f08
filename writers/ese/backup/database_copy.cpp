#include "writers/ese/backup/database_copy.hpp"

#include <algorithm>
#include <string>

#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kHeaders = 2, kTrailers = 1;
// While these are read, pages wait that are to be written to their places.
constexpr std::uint64_t kPagesAtOnce = 32;

bool good(Bytes page, Pgno pgno) {
  const PageSum sum = check_page_sum(page, static_cast<std::uint32_t>(pgno));
  return sum == PageSum::good || sum == PageSum::zero;
}

}  // namespace

Result<DatabaseCopy> DatabaseCopy::open(InstanceDatabase& database, LogStream& log,
                                        const BackupInfo& info) {
  const auto last = database.last_owned_page();
  if (!last.ok()) return last.error();
  return DatabaseCopy(database, log, info, last.value());
}

DatabaseCopy::DatabaseCopy(InstanceDatabase& database, LogStream& log, const BackupInfo& info,
                           Pgno last)
    : database_(&database), log_(&log), header_(database.header()), last_(last) {
  header_.full_current = info;
  header_.full_current.high = Generation::none;
}

std::uint64_t DatabaseCopy::pages_total() const {
  return kHeaders + static_cast<std::uint64_t>(last_) + kTrailers;
}

// Up to where the headers, the pages or the trailer end.
std::uint64_t DatabaseCopy::pages_of_this_kind() const {
  if (next_ < kHeaders) return kHeaders - next_;
  const std::uint64_t trailer = pages_total() - kTrailers;
  return next_ < trailer ? std::min(trailer - next_, kPagesAtOnce) : pages_total() - next_;
}

Result<std::size_t> DatabaseCopy::read(MutableBytes into, const ReadRetries& retries) {
  const std::size_t each = page_bytes();
  std::size_t done = 0;
  for (;;) {
    const std::uint64_t room = (into.size() - done) / each;
    const std::uint64_t pages = std::min(room, pages_of_this_kind());
    if (pages == 0) return done;
    const MutableBytes part = into.subspan(done, pages * each);
    if (Status s = read_one_kind(pages, part, retries); !s.ok()) return s.error();
    next_ += pages;
    done += part.size();
  }
}

Status DatabaseCopy::read_one_kind(std::uint64_t pages, MutableBytes into,
                                   const ReadRetries& retries) {
  const std::size_t each = page_bytes();
  if (next_ < kHeaders) {
    for (std::uint64_t i = 0; i < pages; ++i) seal_header(header_, into.subspan(i * each, each));
    return Ok{};
  }
  if (next_ < pages_total() - kTrailers) {
    const Pgno first{static_cast<std::uint32_t>(next_ - kHeaders + 1)};
    return read_pages(first, into, retries);
  }
  write_trailer(into);
  return Ok{};
}

Status DatabaseCopy::read_pages(Pgno first, MutableBytes into, const ReadRetries& retries) {
  const std::size_t each = page_bytes();
  const Status read = database_->store().read_settled_pages(first, into);
  for (std::size_t i = 0; i * each < into.size(); ++i) {
    const Pgno pgno{static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(i)};
    const MutableBytes page = into.subspan(i * each, each);
    if (read.ok() && good(page, pgno)) continue;
    if (Status s = read_again(pgno, page, retries); !s.ok()) return s;
  }
  return Ok{};
}

// A disk or a cable may have had a bad moment; nothing of ours writes while a page is read.
Status DatabaseCopy::read_again(Pgno pgno, MutableBytes page, const ReadRetries& retries) {
  Status read = Ok{};
  for (int attempt = 1; attempt <= ReadRetries::kMost; ++attempt) {
    if (retries.pause) {
      if (Status s = retries.pause(attempt); !s.ok()) return s;
    }
    read = database_->store().read_settled_pages(pgno, page);
    if (!read.ok() || !good(page, pgno)) continue;
    if (retries.recovered) retries.recovered(pgno, attempt);
    return Ok{};
  }
  if (!read.ok()) return read;
  return ese_error(EseErr::read_verify_failure,
                   "page " + std::to_string(static_cast<std::uint32_t>(pgno)) + " of '" +
                       escape_path(database_->path()) + "' is damaged, read " +
                       std::to_string(ReadRetries::kMost + 1) +
                       " times; restore the database from an earlier backup");
}

void DatabaseCopy::write_trailer(MutableBytes page) const {
  const DatabaseHeader now = database_->header();
  BackupTrailer trailer;
  trailer.info = header_.full_current;
  trailer.info.high = log_->header().fields.generation;
  trailer.database = header_.sign_db;
  trailer.log = header_.sign_log;
  trailer.gen_min_required = now.gen_min_required;
  trailer.gen_max_required = now.gen_max_required;
  trailer.gen_max_committed = now.gen_max_committed;
  trailer.time_gen_max_required = now.time_gen_max_required;
  trailer.time_gen_max_create = now.time_gen_max_create;
  seal_backup_trailer(trailer, page);
}

}  // namespace stillframe::ese

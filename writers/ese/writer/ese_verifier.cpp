#include "writers/ese/writer/ese_verifier.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_generation.hpp"
#include "writers/ese/format/log_names.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kBaseLettersOfLog = 3;
constexpr std::size_t kHeaderBytes = 2 * kPageBytesMax;  // both copies, of the largest pages
constexpr std::uint64_t kLogFileBytesMax = std::uint64_t{256} << 20;

std::optional<LogFileName> log_name_of(const BytePath& file) {
  const BytePath name = last_component(file);
  return parse_log_file_name(name.substr(0, kBaseLettersOfLog), name);
}

// A header of which one copy is whole is one; every page after them has to keep its checksum, and
// the last one of a copy from a backup by streaming is that backup's trailer. Bytes behind the last
// whole page are no part of the database.
class PageStreamVerifier final : public FileVerifier {
 public:
  PageStreamVerifier(BytePath file, std::uint64_t size)
      : file_(std::move(file)),
        size_(size),
        header_bytes_(std::min<std::uint64_t>(kHeaderBytes, size)) {}

  Status feed(std::span<const std::byte> bytes) override {
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    if (page_bytes_ == 0) {
      if (kept_.size() < header_bytes_) return Ok{};
      if (Status s = take_header(); !s.ok()) return s;
    }
    std::size_t at = 0;
    for (; kept_.size() - at >= page_bytes_; at += page_bytes_) {
      if (Status s = check(MutableBytes(kept_).subspan(at, page_bytes_)); !s.ok()) return s;
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(at));
    return Ok{};
  }

  Status finish() override {
    if (page_bytes_ != 0) return Ok{};
    return Error(Errc::truncated, "'" + escape_path(file_) + "' ends within its header");
  }

 private:
  Status take_header() {
    const auto found = find_header(kept_, escape_path(file_));
    if (!found.ok()) return found.error();
    page_bytes_ = found.value().header.page_size();
    if (kept_.size() < 2 * page_bytes_) {
      return Error(Errc::truncated, "'" + escape_path(file_) + "' ends within its header");
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(2 * page_bytes_));
    // With its newest log in the header the trailer was used, and is empty.
    const BackupInfo& backup = found.value().header.full_current;
    const std::uint64_t pages = size_ / page_bytes_;
    if (pages > 2 && backup.low != Generation::none && backup.high == Generation::none) {
      trailer_ = static_cast<std::uint32_t>(pages - 2);
    }
    return Ok{};
  }

  Status check(MutableBytes page) {
    ++pgno_;
    if (pgno_ == trailer_) {
      const auto trailer = read_backup_trailer(page, escape_path(file_));
      return trailer.ok() ? Status(Ok{}) : Status(trailer.error());
    }
    if (check_and_correct_page(page, pgno_) != PageSum::bad) return Ok{};
    return Error(Errc::corrupt,
                 "page " + std::to_string(pgno_) + " of '" + escape_path(file_) + "', at offset " +
                     std::to_string((std::uint64_t{pgno_} + 1) * page_bytes_) + ", is damaged");
  }

  const BytePath file_;
  const std::uint64_t size_, header_bytes_;
  std::size_t page_bytes_ = 0;            // not known yet
  std::uint32_t pgno_ = 0, trailer_ = 0;  // 0: it has none
  std::vector<std::byte> kept_;
};

// A log is checked whole: what a damaged segment means depends on those behind it.
class LogStreamVerifier final : public FileVerifier {
 public:
  LogStreamVerifier(BytePath file, LogFileKind kind) : file_(std::move(file)), kind_(kind) {}

  Status feed(std::span<const std::byte> bytes) override {
    if (kept_.size() + bytes.size() > kLogFileBytesMax) {
      return Error(Errc::limit_reached, "log '" + escape_path(file_) + "' is longer than any log");
    }
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    return Ok{};
  }

  Status finish() override {
    // The one that is written may end in the middle of a write; that is no damage.
    const LogReadRules rules{.complete = kind_ == LogFileKind::archived};
    const auto log = LogGeneration::read(std::move(kept_), escape_path(file_), rules);
    return log.ok() ? Status(Ok{}) : Status(log.error());
  }

 private:
  const BytePath file_;
  const LogFileKind kind_;
  std::vector<std::byte> kept_;
};

}  // namespace

bool EseVerifier::wants(const WriterIdentity& writer, const ComponentName&, const BytePath& file) {
  if (writer.name != "Extensible Storage Engine") return false;
  const auto log = log_name_of(file);
  return !log || log->kind == LogFileKind::archived || log->kind == LogFileKind::current;
}

Result<std::unique_ptr<FileVerifier>> EseVerifier::open(const BytePath& file, std::uint64_t size) {
  if (const auto log = log_name_of(file)) {
    return std::unique_ptr<FileVerifier>(std::make_unique<LogStreamVerifier>(file, log->kind));
  }
  return std::unique_ptr<FileVerifier>(std::make_unique<PageStreamVerifier>(file, size));
}

}  // namespace stillframe::ese

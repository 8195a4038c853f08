#include "writers/dedup/restore/backup_table.hpp"

#include <algorithm>
#include <cstring>

#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kTablePieceBytes = std::size_t{1} << 20;

// The table from some place on. Never holds more than an entry, at most 16 MiB, and a piece.
class TableWindow {
 public:
  explicit TableWindow(BackupFiles& backup)
      : backup_(backup), path_(BytePath("/") + kVolumeFolder + "/" + kTableFileName) {}

  // What there is from the current place on, at least `bytes` unless the table ends before.
  HRESULT look(std::size_t bytes, Bytes& there) {
    while (kept_.size() - at_ < bytes && !ends_) {
      kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(at_));
      base_ += at_;
      at_ = 0;
      const std::size_t had = kept_.size();
      kept_.resize(had + kTablePieceBytes);
      std::size_t got = 0;
      const HRESULT hr =
          backup_.read_some(path_, base_ + had, MutableBytes(kept_).subspan(had), got);
      if (FAILED(hr)) return hr;
      kept_.resize(had + got);
      ends_ = got < kTablePieceBytes;
    }
    there = Bytes(kept_).subspan(at_);
    return S_OK;
  }
  void skip(std::size_t bytes) { at_ += bytes; }
  std::uint64_t offset() const { return base_ + at_; }

 private:
  BackupFiles& backup_;
  const BytePath path_;
  std::vector<std::byte> kept_;
  std::uint64_t base_ = 0;
  std::size_t at_ = 0;
  bool ends_ = false;
};

// Behind the first entry that is none: whether one follows whose writer knew more to be durable
// than what lies before it. Then it is damage, and no crash.
HRESULT check_torn_end(TableWindow& window) {
  const std::uint64_t torn_at = window.offset();
  for (;;) {
    Bytes there;
    if (const HRESULT hr = window.look(kEntryHeadBytes, there); FAILED(hr)) return hr;
    if (there.size() < kEntryHeadBytes) return S_OK;
    const auto head = parse_entry_head(there);
    if (head && head->durable_bytes > torn_at) {
      if (const HRESULT hr = window.look(head->bytes, there); FAILED(hr)) return hr;
      if (there.size() >= head->bytes && parse_entry(there.first(head->bytes)).ok()) {
        return DDP_E_FILE_CORRUPT;
      }
    }
    window.skip(8);
  }
}

}  // namespace

HRESULT find_in_backup(BackupFiles& backup, const std::set<FileId>& wanted, BackupRecords& found) {
  TableWindow window(backup);
  Bytes there;
  if (const HRESULT hr = window.look(kTableHeaderBytes, there); FAILED(hr)) return hr;
  if (there.size() < kTableHeaderBytes) return DDP_E_FILE_CORRUPT;
  std::memcpy(found.store.data(), there.data() + 16, found.store.size());
  const Status header = check_table_header(there.first(kTableHeaderBytes), found.store);
  if (!header.ok()) return code_of_stored(header.error());
  window.skip(kTableHeaderBytes);
  for (;;) {
    if (const HRESULT hr = window.look(kEntryHeadBytes, there); FAILED(hr)) return hr;
    const auto head = parse_entry_head(there);
    if (!head) return check_torn_end(window);
    if (const HRESULT hr = window.look(head->bytes, there); FAILED(hr)) return hr;
    if (there.size() < head->bytes) return check_torn_end(window);
    const auto entry = parse_entry(there.first(head->bytes));
    if (!entry.ok()) {
      if (entry.error().code() == Errc::future_version) return DDP_E_INVALID_DATA;
      return check_torn_end(window);
    }
    if (wanted.count(entry.value().file) > 0 && !apply_entry(entry.value(), found.files).ok()) {
      found.damaged.insert(entry.value().file);
    }
    window.skip(head->bytes);
  }
}

}  // namespace stillframe::dedup

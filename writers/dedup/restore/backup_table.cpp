#include "writers/dedup/restore/backup_table.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "writers/dedup/restore/backup_index.hpp"
#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

// The first piece is all that there is of a short table, and not much where an index says the rest.
constexpr std::size_t kTableFirstBytes = std::size_t{64} << 10;
constexpr std::size_t kTablePieceBytes = std::size_t{1} << 20;
// Entries that are as near to each other are read together.
constexpr std::uint64_t kTableGapMax = 4096;

BytePath backup_table_path() {
  return BytePath("/") + kVolumeFolder + "/" + kTableFileName;
}

// The table from some place on. Never holds more than an entry, at most 16 MiB, and a piece.
class TableWindow {
 public:
  explicit TableWindow(BackupFiles& backup, std::uint64_t from = 0)
      : backup_(backup), path_(backup_table_path()), base_(from) {}

  // What there is from the current place on, at least `bytes` unless the table ends before.
  HRESULT look(std::size_t bytes, Bytes& there) {
    while (kept_.size() - at_ < bytes && !ends_) {
      kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(at_));
      base_ += at_;
      at_ = 0;
      const std::size_t had = kept_.size();
      const std::size_t piece =
          std::exchange(has_read_, true) ? kTablePieceBytes : kTableFirstBytes;
      kept_.resize(had + piece);
      std::size_t got = 0;
      const HRESULT hr =
          backup_.read_some(path_, base_ + had, MutableBytes(kept_).subspan(had), got);
      if (FAILED(hr)) return hr;
      kept_.resize(had + got);
      ends_ = got < piece;
    }
    there = Bytes(kept_).subspan(at_);
    return S_OK;
  }
  void skip(std::size_t bytes) { at_ += bytes; }
  std::uint64_t offset() const { return base_ + at_; }
  // Whether all that comes is in memory.
  bool is_whole() const { return ends_; }

 private:
  BackupFiles& backup_;
  const BytePath path_;
  std::vector<std::byte> kept_;
  std::uint64_t base_ = 0;
  std::size_t at_ = 0;
  bool has_read_ = false, ends_ = false;
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

// All entries from the window's place on.
HRESULT read_on(TableWindow& window, const std::set<FileId>& wanted, BackupRecords& found) {
  Bytes there;
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

// The entries at these places, in their order. Whether they are what the index says.
bool read_slots(BackupFiles& backup, std::vector<IndexSlot> slots, BackupRecords& found) {
  std::sort(slots.begin(), slots.end(),
            [](const IndexSlot& a, const IndexSlot& b) { return a.offset < b.offset; });
  std::vector<std::byte> piece;
  for (std::size_t first = 0, after; first < slots.size(); first = after) {
    const std::uint64_t from = slots[first].offset;
    std::uint64_t end = from + slots[first].bytes;
    for (after = first + 1; after < slots.size(); ++after) {
      const IndexSlot& next = slots[after];
      if (next.offset < end) return false;
      if (next.offset - end > kTableGapMax || next.offset + next.bytes - from > kTablePieceBytes) {
        break;
      }
      end = next.offset + next.bytes;
    }
    piece.resize(end - from);
    if (FAILED(backup.read(backup_table_path(), from, piece))) return false;
    for (std::size_t i = first; i < after; ++i) {
      const Bytes bytes = Bytes(piece).subspan(slots[i].offset - from, slots[i].bytes);
      const auto entry = parse_entry(bytes);
      if (!entry.ok() || entry.value().file != slots[i].file ||
          !apply_entry(entry.value(), found.files).ok()) {
        return false;
      }
    }
  }
  return true;
}

// By the index, if it can be done. What it covers was durable when it was written, so a table that
// is shorter is one that was cut, which looking at all of it finds out.
std::optional<std::uint64_t> read_by_index(BackupFiles& backup, const UuidBytes& table,
                                           const std::set<FileId>& wanted, BackupRecords& found) {
  if (table == UuidBytes{}) return std::nullopt;
  auto index = BackupIndex::open(backup, found.store, table);
  if (!index) return std::nullopt;
  std::byte last{};
  if (FAILED(backup.read(backup_table_path(), index->covered_bytes() - 1, {&last, 1}))) {
    return std::nullopt;
  }
  auto slots = index->entries_of(wanted);
  if (slots && read_slots(backup, *std::move(slots), found)) return index->covered_bytes();
  found.files.clear();
  return std::nullopt;
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
  if (!window.is_whole()) {
    const auto covered = read_by_index(backup, table_of_header(there), wanted, found);
    if (covered) {
      TableWindow rest(backup, *covered);
      return read_on(rest, wanted, found);
    }
    if (backup.ended()) return *backup.ended();
  }
  window.skip(kTableHeaderBytes);
  return read_on(window, wanted, found);
}

}  // namespace stillframe::dedup

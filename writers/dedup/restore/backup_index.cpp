#include "writers/dedup/restore/backup_index.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "framework/base/bytes.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

// More is better read in one go, and is more than anybody should make us remember.
constexpr std::uint64_t kIndexSpendMax = std::uint64_t{64} << 20;

BytePath backup_index_path() {
  return BytePath("/") + kVolumeFolder + "/" + kTableIndexFileName;
}

// Ids are random, so one is about as far into the index as its number is among all.
std::uint32_t page_by_number(const FileId& file, std::uint32_t pages) {
  std::uint64_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | file.bytes()[static_cast<std::size_t>(i)];
  return static_cast<std::uint32_t>(number * pages >> 32);
}

}  // namespace

std::optional<BackupIndex> BackupIndex::open(BackupFiles& backup, const UuidBytes& store,
                                             const UuidBytes& table) {
  std::array<std::byte, kIndexHeaderBytes> bytes{};
  if (FAILED(backup.read(backup_index_path(), 0, bytes))) return std::nullopt;
  const auto header = parse_index_header(bytes);
  if (!header.ok() || header.value().store != store || header.value().table != table) {
    return std::nullopt;
  }
  BackupIndex index(backup, header.value());
  index.to_spend_ = std::min(kIndexSpendMax, header.value().covered_bytes / 2);
  return index;
}

bool BackupIndex::spend(std::uint64_t bytes) {
  if (bytes > to_spend_) return false;
  to_spend_ -= bytes;
  return true;
}

bool BackupIndex::load(std::uint32_t page) {
  if (page_ == page && !slots_.empty()) return true;
  slots_.clear();
  std::array<std::byte, kIndexPageBytes> bytes{};
  if (!spend(bytes.size())) return false;
  if (FAILED(backup_.read(backup_index_path(), index_page_offset(page), bytes))) return false;
  auto slots = parse_index_page(bytes, page);
  if (!slots.ok()) return false;
  page_ = page;
  slots_ = std::move(slots).value();
  return true;
}

// Loads the first page that does not end before the file; none if all do. From where it should be
// in growing steps until it is between two pages, then in halves.
bool BackupIndex::seek(const FileId& file) {
  std::uint32_t first = 0, end = header_.pages;  // it is one of these, or `end`
  std::uint32_t guess = page_by_number(file, header_.pages), step = 1;
  bool after_one = false, before_one = false;
  while (first < end) {
    guess = std::clamp(guess, first, end - 1);
    if (!load(guess)) return false;
    if (slots_.back().file < file) {
      after_one = true;
      first = guess + 1;
      guess = before_one ? first + (end - first) / 2 : guess + step;
    } else if (slots_.front().file < file) {
      return true;
    } else {
      before_one = true;
      end = guess;
      guess = after_one ? first + (end - first) / 2 : guess - std::min(guess, step);
    }
    step = std::min(2 * step, header_.pages);
  }
  if (end < header_.pages) return load(end);
  slots_.clear();
  return true;
}

std::optional<std::vector<IndexSlot>> BackupIndex::entries_of(const std::set<FileId>& wanted) {
  std::vector<IndexSlot> found;
  for (const FileId& file : wanted) {
    if (!seek(file)) return std::nullopt;
    while (!slots_.empty()) {
      for (const IndexSlot& slot : slots_) {
        if (slot.file != file) continue;
        if (slot.bytes > covered_bytes() || slot.offset > covered_bytes() - slot.bytes ||
            !spend(slot.bytes)) {
          return std::nullopt;
        }
        found.push_back(slot);
      }
      if (slots_.back().file > file || page_ + 1 >= header_.pages) break;
      if (!load(page_ + 1)) return std::nullopt;
    }
  }
  return found;
}

}  // namespace stillframe::dedup

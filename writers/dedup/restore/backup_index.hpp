// The index of a backup's file table: where in the table the entries of a few files are.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "writers/dedup/restore/backup_files.hpp"
#include "writers/dedup/volume/table_index.hpp"

namespace stillframe::dedup {

class BackupIndex {
 public:
  // Nothing: the backup has none that is of this table.
  static std::optional<BackupIndex> open(BackupFiles& backup, const UuidBytes& store,
                                         const UuidBytes& table);

  // Of the table, from its beginning: what comes later has to be looked at.
  std::uint64_t covered_bytes() const { return header_.covered_bytes; }

  // The entries of these files, by file and place. Nothing: it cannot be told, or reading them
  // would not be worth it.
  std::optional<std::vector<IndexSlot>> entries_of(const std::set<FileId>& wanted);

 private:
  BackupIndex(BackupFiles& backup, const IndexHeader& header) : backup_(backup), header_(header) {}

  bool load(std::uint32_t page);
  bool seek(const FileId& file);
  bool spend(std::uint64_t bytes);

  BackupFiles& backup_;
  const IndexHeader header_;
  std::uint64_t to_spend_ = 0;  // of index and table
  std::uint32_t page_ = 0;
  std::vector<IndexSlot> slots_;  // of that page; empty before the first
};

}  // namespace stillframe::dedup

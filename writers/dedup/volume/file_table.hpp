// The deduplicated files of a volume and where their bytes come from: a file of entries that is
// only appended to, and written anew when most of it is out of date.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/dedup/volume/file_entry.hpp"

namespace stillframe::dedup {

// What an entry makes of what is known. corrupt: it does not follow from that.
Status apply_entry(const FileEntry& entry, std::map<FileId, FileRecord>& records);

// One thread at a time. A change is in force when it was appended, and survives a crash once sync()
// has returned. After an error that was not refused beforehand nothing more may be changed.
class FileTable {
 public:
  // In place of none: already_exists. Durable, whole or not there.
  static Status create(Files& files, const BytePath& folder, const UuidBytes& store);
  // Cuts off what a crash has torn. corrupt: entries that were durable are damaged.
  static Result<std::unique_ptr<FileTable>> open(Files& files, const BytePath& folder,
                                                 const UuidBytes& store);

  const std::map<FileId, FileRecord>& files() const { return records_; }
  const FileRecord* find(const FileId& file) const;

  // The file's bytes are those of `stream` from now on, where `map` says so. Numbers it.
  Status put(const FileId& file, const chunkstore::StreamId& stream, ExtentMap map,
             std::int64_t changed_ns);
  // The file has a new size, and then other sources for these parts. not_found; limit_reached when
  // the map would become too long: the file has to be written out or optimized again.
  Status change(const FileId& file, std::uint64_t file_bytes, std::vector<Extent> set,
                std::int64_t changed_ns);
  // Deduplicating it is over, and left the file itself with this ctime. Nothing is lost with a
  // crash before sync() but the ctime that it had before.
  Status leave(const FileId& file, std::int64_t left_ns);
  // It is no deduplicated file any more.
  Status forget(const FileId& file);

  Status sync();
  // Writes the table anew if that gains enough; durable as sync().
  Status compact_if_due();
  // Writes down where the table has what, for a restore of a few files, if much of it was appended
  // since; durable as sync(). It reads the table. After an error the table is as good as before.
  Status renew_index_if_due();

  std::uint64_t file_bytes() const { return bytes_; }

 private:
  FileTable(Files& files, BytePath folder, const UuidBytes& store)
      : files_(files), folder_(std::move(folder)), store_(store) {}

  Status read_entries();
  Status cut_at(std::uint64_t offset);
  Status learn_index();
  Status apply(const FileEntry& entry);
  Status append(const FileEntry& entry);

  Files& files_;
  const BytePath folder_;
  const UuidBytes store_;
  std::unique_ptr<File> file_;
  Status usable_ = Ok{};
  std::uint64_t bytes_ = kTableHeaderBytes;
  std::uint64_t durable_bytes_ = 0;
  std::uint64_t indexed_bytes_ = 0;  // that the index is of
  UuidBytes table_{};                // its id
  std::map<FileId, FileRecord> records_;
};

}  // namespace stillframe::dedup

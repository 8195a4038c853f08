// The bytes of what a file table is made of. docs/formats/dedup-volume.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/names.hpp"
#include "writers/dedup/volume/extent_map.hpp"

namespace stillframe::dedup {

using FileId = Id<struct DedupFileIdTag>;

constexpr std::size_t kTableHeaderBytes = 64;
constexpr std::size_t kEntryHeadBytes = 80;
constexpr std::size_t kEntrySumBytes = 8;
constexpr std::uint32_t kFileExtentsMax = 1u << 20;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 62;

// All there is to know of a deduplicated file.
struct FileRecord {
  std::uint64_t number = 0;     // one more with every entry of the file
  std::int64_t changed_ns = 0;  // its ctime, which deduplicating it does not move
  chunkstore::StreamId stream;
  ExtentMap map;
  // The ctime that deduplicating left the file itself with; 0 if that is not known. A file that has
  // another one was changed since.
  std::int64_t left_ns = 0;
  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

// What became of it since its last entry.
struct FileChange {
  std::uint64_t number = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t file_bytes = 0;
  std::vector<Extent> set;  // within the new size
  std::int64_t left_ns = 0;
  friend bool operator==(const FileChange&, const FileChange&) = default;
};

struct FileGone {
  friend bool operator==(const FileGone&, const FileGone&) = default;
};

struct FileEntry {
  FileId file;
  std::variant<FileRecord, FileChange, FileGone> what;
  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

// The first kTableHeaderBytes of the file; corrupt for those of another store. `table`: another one
// whenever the file is written anew.
std::array<std::byte, kTableHeaderBytes> format_table_header(const UuidBytes& store,
                                                             const UuidBytes& table);
Status check_table_header(Bytes bytes, const UuidBytes& store);
UuidBytes table_of_header(Bytes bytes);  // all zeros in those of before there were any

// `durable_bytes`: how much of the table had been synced when this was appended.
std::vector<std::byte> format_entry(const FileEntry& entry, std::uint64_t durable_bytes);

// From the first kEntryHeadBytes of an entry; nothing if they are none of any entry.
enum class EntryKind : std::uint16_t { whole = 1, change = 2, gone = 3 };  // or of a later version
struct EntryHead {
  std::uint32_t bytes = 0;  // of the whole entry
  std::uint64_t durable_bytes = 0;
  EntryKind kind{};
  FileId file;
};
constexpr std::uint32_t kEntryBytesMin = kEntryHeadBytes + kEntrySumBytes;
constexpr std::uint32_t kEntryBytesMax = kEntryBytesMin + kFileExtentsMax * 16;
std::optional<EntryHead> parse_entry_head(Bytes bytes);
// `bytes`: the whole entry.
Result<FileEntry> parse_entry(Bytes bytes);

}  // namespace stillframe::dedup

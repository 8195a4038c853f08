#include "writers/dedup/volume/file_entry.hpp"

#include <cstring>
#include <string>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kTableSignature = 0x454c424154444653;  // SFDTABLE
constexpr std::uint64_t kEntrySignature = 0x5952544e45444653;  // SFDENTRY
constexpr std::uint16_t kEntryMajorVersion = 1;
constexpr std::size_t kTableIdOffset = 32;
constexpr std::size_t kTableSumOffset = 56;
constexpr std::size_t kExtentBytes = 16;

struct Fields {
  EntryKind kind = EntryKind::gone;
  std::uint64_t number = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t file_bytes = 0;
  chunkstore::StreamId stream;
  std::int64_t left_ns = 0;  // of a change, where others have the stream
  std::vector<Extent> extents;
};

Fields fields_of(const FileRecord& record) {
  return {EntryKind::whole,        record.number, record.changed_ns,
          record.map.file_bytes(), record.stream, 0,
          record.map.extents()};
}
Fields fields_of(const FileChange& change) {
  return {EntryKind::change, change.number, change.changed_ns, change.file_bytes, {},
          change.left_ns,    change.set};
}
Fields fields_of(const FileGone&) {
  return {};
}

std::uint64_t sum_of(Bytes bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Error corrupt(const char* what) {
  return Error(Errc::corrupt, std::string("entry of a file table: ") + what);
}

Result<std::vector<Extent>> parse_extents(Bytes bytes, std::uint64_t file_bytes) {
  std::vector<Extent> extents;
  extents.reserve(bytes.size() / kExtentBytes);
  for (std::size_t at = 0; at < bytes.size(); at += kExtentBytes) {
    const auto packed = load_le<std::uint64_t>(bytes.data() + at + 8);
    const Extent extent{load_le<std::uint64_t>(bytes.data() + at), packed >> 2,
                        static_cast<Source>(packed & 3)};
    if (extent.source > Source::store || extent.bytes == 0 || extent.offset > file_bytes ||
        extent.bytes > file_bytes - extent.offset) {
      return corrupt("an extent is outside its file");
    }
    extents.push_back(extent);
  }
  return extents;
}

// The map that these are the extents of, which is the only way to write it.
Result<ExtentMap> map_of(const std::vector<Extent>& extents, std::uint64_t file_bytes) {
  ExtentMap map(file_bytes, Source::zero);
  for (const Extent& extent : extents) map.set(extent.offset, extent.bytes, extent.source);
  if (map.extents() != extents) return corrupt("its extents are no map");
  return map;
}

bool is_zero(Bytes bytes) {
  for (const std::byte one : bytes) {
    if (one != std::byte{0}) return false;
  }
  return true;
}

}  // namespace

std::array<std::byte, kTableHeaderBytes> format_table_header(const UuidBytes& store,
                                                             const UuidBytes& table) {
  std::array<std::byte, kTableHeaderBytes> bytes{};
  store_le(bytes.data(), kTableSignature);
  store_le(bytes.data() + 8, kEntryMajorVersion);
  std::memcpy(bytes.data() + 16, store.data(), store.size());
  std::memcpy(bytes.data() + kTableIdOffset, table.data(), table.size());
  store_le(bytes.data() + kTableSumOffset, sum_of(Bytes(bytes).first(kTableSumOffset)));
  return bytes;
}

Status check_table_header(Bytes bytes, const UuidBytes& store) {
  if (bytes.size() < kTableHeaderBytes) {
    return Error(Errc::truncated, "file table: its header ends early");
  }
  if (load_le<std::uint64_t>(bytes.data()) != kTableSignature ||
      load_le<std::uint64_t>(bytes.data() + kTableSumOffset) !=
          sum_of(bytes.first(kTableSumOffset))) {
    return Error(Errc::corrupt, "file table: its header is damaged");
  }
  if (load_le<std::uint16_t>(bytes.data() + 8) != kEntryMajorVersion) {
    return Error(Errc::future_version, "file table: it is of another version");
  }
  if (std::memcmp(bytes.data() + 16, store.data(), store.size()) != 0) {
    return Error(Errc::corrupt, "file table: it belongs to another store");
  }
  return Ok{};
}

UuidBytes table_of_header(Bytes bytes) {
  UuidBytes table;
  std::memcpy(table.data(), bytes.data() + kTableIdOffset, table.size());
  return table;
}

std::vector<std::byte> format_entry(const FileEntry& entry, std::uint64_t durable_bytes) {
  const Fields fields = std::visit([](const auto& what) { return fields_of(what); }, entry.what);
  STILLFRAME_CHECK(fields.extents.size() <= kFileExtentsMax, "an entry of bounded size");
  const std::size_t size = kEntryHeadBytes + fields.extents.size() * kExtentBytes + kEntrySumBytes;
  std::vector<std::byte> bytes(size);
  std::byte* at = bytes.data();
  store_le(at, kEntrySignature);
  store_le(at + 8, static_cast<std::uint32_t>(size));
  store_le(at + 12, static_cast<std::uint16_t>(fields.kind));
  store_le(at + 16, durable_bytes);
  std::memcpy(at + 24, entry.file.bytes().data(), entry.file.bytes().size());
  store_le(at + 40, fields.number);
  store_le(at + 48, fields.changed_ns);
  store_le(at + 56, fields.file_bytes);
  if (fields.kind == EntryKind::change) {
    store_le(at + 64, fields.left_ns);
  } else {
    store_le(at + 64, fields.stream.map.container);
    store_le(at + 68, fields.stream.map.local_id);
  }
  at += kEntryHeadBytes;
  for (const Extent& extent : fields.extents) {
    store_le(at, extent.offset);
    store_le(at + 8, extent.bytes << 2 | static_cast<std::uint64_t>(extent.source));
    at += kExtentBytes;
  }
  store_le(at, sum_of(Bytes(bytes).first(size - kEntrySumBytes)));
  return bytes;
}

std::optional<EntryHead> parse_entry_head(Bytes bytes) {
  if (bytes.size() < kEntryHeadBytes || load_le<std::uint64_t>(bytes.data()) != kEntrySignature) {
    return std::nullopt;
  }
  UuidBytes file;
  std::memcpy(file.data(), bytes.data() + 24, file.size());
  const EntryHead head{
      load_le<std::uint32_t>(bytes.data() + 8), load_le<std::uint64_t>(bytes.data() + 16),
      static_cast<EntryKind>(load_le<std::uint16_t>(bytes.data() + 12)), FileId(file)};
  if (head.bytes < kEntryBytesMin || head.bytes > kEntryBytesMax ||
      (head.bytes - kEntryBytesMin) % kExtentBytes != 0) {
    return std::nullopt;
  }
  return head;
}

Result<FileEntry> parse_entry(Bytes bytes) {
  const auto head = parse_entry_head(bytes);
  if (!head || head->bytes > bytes.size()) return corrupt("it is none");
  const Bytes summed = bytes.first(head->bytes - kEntrySumBytes);
  const std::byte* at = bytes.data();
  if (load_le<std::uint64_t>(at + summed.size()) != sum_of(summed)) {
    return corrupt("it has another checksum");
  }
  const auto file_bytes = load_le<std::uint64_t>(at + 56);
  if (file_bytes > kFileBytesMax) return corrupt("its file is larger than any");
  FileEntry entry{head->file, FileGone{}};
  auto extents = parse_extents(summed.subspan(kEntryHeadBytes), file_bytes);
  if (!extents.ok()) return extents.error();
  const auto number = load_le<std::uint64_t>(at + 40);
  const auto changed_ns = load_le<std::int64_t>(at + 48);
  switch (head->kind) {
    case EntryKind::whole: {
      auto map = map_of(extents.value(), file_bytes);
      if (!map.ok()) return map.error();
      const chunkstore::StreamId stream{
          {load_le<std::uint32_t>(at + 64), load_le<std::uint32_t>(at + 68)}};
      entry.what = FileRecord{number, changed_ns, stream, std::move(map).value(), 0};
      return entry;
    }
    case EntryKind::change:
      entry.what = FileChange{number, changed_ns, file_bytes, std::move(extents).value(),
                              load_le<std::int64_t>(at + 64)};
      return entry;
    case EntryKind::gone:
      if (!is_zero(bytes.subspan(40, 32)) || !extents.value().empty()) {
        return corrupt("a file that is gone has contents");
      }
      return entry;
  }
  return Error(Errc::future_version, "entry of a file table: it is of a kind that is not known");
}

}  // namespace stillframe::dedup

#include "writers/dedup/volume/file_table.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/table_index.hpp"

namespace stillframe::dedup {

namespace {

constexpr const char* kUnfinishedName = "files.new";
constexpr std::uint64_t kCompactBytesMin = std::uint64_t{1} << 20;
constexpr std::uint64_t kScanBytes = 1 << 20;
// An index is written when so much of the table, and such a part of it, is not in it.
constexpr std::uint64_t kIndexBytesMin = std::uint64_t{1} << 20;
constexpr std::uint64_t kIndexBehindShare = 8;

BytePath path_of(const BytePath& folder) {
  return join_path(folder, kTableFileName);
}

// What brings a reader from nothing to this record.
std::vector<std::byte> entries_of(const FileId& id, const FileRecord& record) {
  if (record.left_ns == 0) return format_entry({id, record}, 0);
  FileRecord whole = record;
  --whole.number;  // of a change, which has one above that of a whole entry
  std::vector<std::byte> entries = format_entry({id, whole}, 0);
  const FileChange left{
      record.number, record.changed_ns, record.map.file_bytes(), {}, record.left_ns};
  const std::vector<std::byte> change = format_entry({id, left}, 0);
  entries.insert(entries.end(), change.begin(), change.end());
  return entries;
}

// A table of these records under the unfinished name, durable as far as its bytes go.
Result<std::unique_ptr<File>> write_anew(Files& files, const BytePath& folder,
                                         const UuidBytes& store, const UuidBytes& table,
                                         const std::map<FileId, FileRecord>& records,
                                         std::uint64_t& bytes) {
  const BytePath path = join_path(folder, kUnfinishedName);
  if (files.exists(path)) {
    if (Status s = files.remove(path); !s.ok()) return s.error();
  }
  auto file = files.create(path);
  if (!file.ok()) return file.error();
  if (Status s = file.value()->write(0, format_table_header(store, table)); !s.ok())
    return s.error();
  bytes = kTableHeaderBytes;
  for (const auto& [id, record] : records) {
    const std::vector<std::byte> entries = entries_of(id, record);
    if (Status s = file.value()->write(bytes, entries); !s.ok()) return s.error();
    bytes += entries.size();
  }
  if (Status s = file.value()->sync(); !s.ok()) return s.error();
  return file;
}

Status give_its_name(Files& files, const BytePath& folder) {
  if (Status s = files.rename(join_path(folder, kUnfinishedName), path_of(folder)); !s.ok())
    return s;
  return files.sync_directory(folder);
}

// A whole entry at `offset`, or why there is none.
Result<FileEntry> entry_at(const File& file, std::uint64_t offset, std::uint64_t file_bytes,
                           EntryHead& head) {
  const Error ends(Errc::truncated, "entry of a file table: it ends early");
  std::vector<std::byte> bytes(kEntryHeadBytes);
  if (file_bytes - offset < bytes.size()) return ends;
  if (Status s = file.read(offset, bytes); !s.ok()) return s.error();
  const auto found = parse_entry_head(bytes);
  if (!found) return Error(Errc::corrupt, "entry of a file table: it is none");
  head = *found;
  if (file_bytes - offset < head.bytes) return ends;
  bytes.resize(head.bytes);
  if (Status s = file.read(offset, bytes); !s.ok()) return s.error();
  return parse_entry(bytes);
}

// Whether somebody wrote behind `offset` who knew that what lies there was durable. Then it is
// damage, and no crash.
Result<bool> was_durable(const File& file, std::uint64_t offset, std::uint64_t file_bytes) {
  std::uint64_t to_spend = 4 * file_bytes;  // a hostile file may look like entries everywhere
  std::vector<std::byte> part;
  for (std::uint64_t from = offset; file_bytes - from >= kEntryHeadBytes;) {
    part.resize(std::min(kScanBytes + kEntryHeadBytes, file_bytes - from));
    if (Status s = file.read(from, part); !s.ok()) return s.error();
    const std::uint64_t starts = std::min<std::uint64_t>(kScanBytes, part.size());
    for (std::uint64_t at = 0; at + kEntryHeadBytes <= part.size() && at < starts; at += 8) {
      const auto head = parse_entry_head(Bytes(part).subspan(at));
      if (!head || head->durable_bytes <= offset) continue;
      if (head->bytes > to_spend) return true;
      to_spend -= head->bytes;
      EntryHead ignored;
      const auto entry = entry_at(file, from + at, file_bytes, ignored);
      if (entry.ok()) return true;
    }
    from += starts;
  }
  return false;
}

}  // namespace

Status FileTable::create(Files& files, const BytePath& folder, const UuidBytes& store) {
  if (files.exists(path_of(folder))) {
    return Error(Errc::already_exists, "'" + escape_path(folder) + "' has a file table already");
  }
  std::uint64_t bytes = 0;
  const auto file = write_anew(files, folder, store, generate_uuid(), {}, bytes);
  if (!file.ok()) return file.error();
  return give_its_name(files, folder);
}

Result<std::unique_ptr<FileTable>> FileTable::open(Files& files, const BytePath& folder,
                                                   const UuidBytes& store) {
  std::unique_ptr<FileTable> table(new FileTable(files, folder, store));
  const BytePath path = path_of(folder), unfinished = join_path(folder, kUnfinishedName);
  if (!files.exists(path)) {
    return Error(Errc::not_found, "'" + escape_path(folder) + "' has no file table");
  }
  if (files.exists(unfinished)) {
    if (Status s = files.remove(unfinished); !s.ok()) return s.error();
  }
  auto file = files.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  table->file_ = std::move(file).value();
  Status read = table->read_entries();
  if (read.ok()) read = table->learn_index();
  // What is there now may have been written by a process that was killed before it synced.
  if (read.ok()) read = table->sync();
  if (!read.ok()) return read.error().while_doing("opening '" + escape_path(path) + "'");
  return table;
}

Status FileTable::read_entries() {
  const auto size = file_->size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> header(std::min<std::uint64_t>(size.value(), kTableHeaderBytes));
  if (Status s = file_->read(0, header); !s.ok()) return s;
  if (Status s = check_table_header(header, store_); !s.ok()) return s;
  table_ = table_of_header(header);
  while (bytes_ < size.value()) {
    EntryHead head;
    const auto entry = entry_at(*file_, bytes_, size.value(), head);
    if (!entry.ok() && entry.error().code() == Errc::future_version) return entry.error();
    if (!entry.ok() && entry.error().code() != Errc::corrupt &&
        entry.error().code() != Errc::truncated) {
      return entry.error();
    }
    if (!entry.ok()) return cut_at(bytes_);
    if (Status s = apply(entry.value()); !s.ok()) return s;
    bytes_ += head.bytes;
  }
  return Ok{};
}

Status FileTable::cut_at(std::uint64_t offset) {
  const auto size = file_->size();
  if (!size.ok()) return size.error();
  const auto damaged = was_durable(*file_, offset, size.value());
  if (!damaged.ok()) return damaged.error();
  if (damaged.value()) {
    return Error(Errc::corrupt, "file table: the entry at byte " + std::to_string(offset) +
                                    " is damaged and others follow; take it from a backup");
  }
  return file_->resize(offset);
}

// An entry that does not follow from those before it.
Status apply_entry(const FileEntry& entry, std::map<FileId, FileRecord>& records) {
  const auto corrupt = [&entry](const char* what) {
    return Error(Errc::corrupt, "file table: file " + entry.file.to_string() + " " + what);
  };
  const auto found = records.find(entry.file);
  if (const auto* whole = std::get_if<FileRecord>(&entry.what)) {
    if (found != records.end() && whole->number <= found->second.number) {
      return corrupt("has entries out of order");
    }
    records.insert_or_assign(entry.file, *whole);
    return Ok{};
  }
  if (found == records.end()) return corrupt("changes before it is there");
  const auto* change = std::get_if<FileChange>(&entry.what);
  if (change == nullptr) {
    records.erase(found);
    return Ok{};
  }
  FileRecord& record = found->second;
  if (change->number != record.number + 1) return corrupt("has entries out of order");
  if (record.map.extent_count() + 1 + 2 * change->set.size() > kFileExtentsMax) {
    return corrupt("has too many extents");
  }
  record.number = change->number;
  record.changed_ns = change->changed_ns;
  record.left_ns = change->left_ns;
  record.map.resize(change->file_bytes);
  for (const Extent& part : change->set) record.map.set(part.offset, part.bytes, part.source);
  return Ok{};
}

Status FileTable::apply(const FileEntry& entry) {
  return apply_entry(entry, records_);
}

Status FileTable::append(const FileEntry& entry) {
  if (!usable_.ok()) return usable_;
  const std::vector<std::byte> bytes = format_entry(entry, durable_bytes_);
  if (Status s = file_->write(bytes_, bytes); !s.ok()) return s;
  bytes_ += bytes.size();
  return apply(entry);
}

const FileRecord* FileTable::find(const FileId& file) const {
  const auto found = records_.find(file);
  return found == records_.end() ? nullptr : &found->second;
}

Status FileTable::put(const FileId& file, const chunkstore::StreamId& stream, ExtentMap map,
                      std::int64_t changed_ns) {
  if (map.extents().size() > kFileExtentsMax || map.file_bytes() > kFileBytesMax) {
    return Error(Errc::limit_reached, "file " + file.to_string() + " has too many extents");
  }
  const FileRecord* before = find(file);
  const std::uint64_t number = before == nullptr ? 1 : before->number + 1;
  return append({file, FileRecord{number, changed_ns, stream, std::move(map), 0}});
}

Status FileTable::change(const FileId& file, std::uint64_t file_bytes, std::vector<Extent> set,
                         std::int64_t changed_ns) {
  const FileRecord* before = find(file);
  if (before == nullptr) {
    return Error(Errc::not_found, "file " + file.to_string() + " is not deduplicated");
  }
  for (const Extent& part : set) {
    if (part.bytes == 0 || part.offset > file_bytes || part.bytes > file_bytes - part.offset) {
      return Error(Errc::invalid_argument, "a changed part is outside its file");
    }
  }
  // Each part adds two extents at most.
  const std::size_t most = before->map.extent_count() + 1 + 2 * set.size();
  if (most > kFileExtentsMax || file_bytes > kFileBytesMax) {
    return Error(Errc::limit_reached, "file " + file.to_string() + " has too many extents");
  }
  return append({file, FileChange{before->number + 1, changed_ns, file_bytes, std::move(set), 0}});
}

Status FileTable::leave(const FileId& file, std::int64_t left_ns) {
  const FileRecord* before = find(file);
  if (before == nullptr) {
    return Error(Errc::not_found, "file " + file.to_string() + " is not deduplicated");
  }
  return append(
      {file,
       FileChange{before->number + 1, before->changed_ns, before->map.file_bytes(), {}, left_ns}});
}

Status FileTable::forget(const FileId& file) {
  if (find(file) == nullptr) return Ok{};
  return append({file, FileGone{}});
}

Status FileTable::sync() {
  if (!usable_.ok()) return usable_;
  if (durable_bytes_ == bytes_) return Ok{};
  if (Status s = file_->sync(); !s.ok()) return s;
  durable_bytes_ = bytes_;
  return Ok{};
}

Status FileTable::compact_if_due() {
  std::uint64_t needed = kTableHeaderBytes;
  for (const auto& [id, record] : records_) {
    const std::uint64_t entries = record.left_ns == 0 ? 1 : 2;
    needed += entries * (kEntryHeadBytes + kEntrySumBytes) + 16 * record.map.extent_count();
  }
  if (bytes_ < kCompactBytesMin || needed > bytes_ / 2) return sync();
  std::uint64_t bytes = 0;
  const UuidBytes table = generate_uuid();
  auto anew = write_anew(files_, folder_, store_, table, records_, bytes);
  if (!anew.ok()) return anew.error();
  if (Status s = give_its_name(files_, folder_); !s.ok()) {
    // Which of the two files a start will find is open, so neither may go on.
    usable_ = s.error().while_doing("an earlier renewal of the file table");
    return s;
  }
  file_ = std::move(anew).value();
  bytes_ = durable_bytes_ = bytes;
  table_ = table;
  indexed_bytes_ = 0;
  return Ok{};
}

// One that cannot be read, or is of another table, is as good as none.
Status FileTable::learn_index() {
  const BytePath path = join_path(folder_, kTableIndexFileName);
  if (!files_.exists(path)) return Ok{};
  const auto file = files_.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  std::array<std::byte, kIndexHeaderBytes> bytes{};
  if (!file.value()->read(0, bytes).ok()) return Ok{};
  const auto header = parse_index_header(bytes);
  if (!header.ok() || header.value().store != store_ || header.value().table != table_) return Ok{};
  if (header.value().covered_bytes <= bytes_) indexed_bytes_ = header.value().covered_bytes;
  return Ok{};
}

Status FileTable::renew_index_if_due() {
  if (Status s = sync(); !s.ok()) return s;
  const std::uint64_t behind = bytes_ - indexed_bytes_;
  if (table_ == UuidBytes{} || behind < std::max(kIndexBytesMin, bytes_ / kIndexBehindShare)) {
    return Ok{};
  }
  if (Status s = write_table_index(files_, folder_, *file_, store_, bytes_); !s.ok()) {
    return s.error().while_doing("write the index of the file table");
  }
  indexed_bytes_ = bytes_;
  return Ok{};
}

}  // namespace stillframe::dedup

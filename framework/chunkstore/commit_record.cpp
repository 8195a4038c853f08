#include "framework/chunkstore/commit_record.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/path.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/names.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint64_t kCommitSignature = 0x54494d4d4f434653;  // SFCOMMIT
constexpr std::uint32_t kCommitVersion = 1;
// Of an encrypted store: whoever knows no such stores refuses it.
constexpr std::uint32_t kCommitVersionEncrypted = 2;
constexpr std::size_t kSumOffset = 88;
constexpr const char* kFileName = "commits";
constexpr const char* kUnfinishedName = "commits.new";

std::uint64_t slot_of(std::uint64_t number) {
  return number % 2 * kCommitSlotBytes;
}

void put(std::byte* to, const OpenContainer& container) {
  store_le(to, container.id);
  store_le(to + 4, container.valid_bytes);
  store_le(to + 8, container.next_local_id);
}

OpenContainer get(const std::byte* from) {
  return {load_le<std::uint32_t>(from), load_le<std::uint32_t>(from + 4),
          load_le<std::uint32_t>(from + 8)};
}

bool makes_sense(const OpenContainer& container, std::uint32_t next_container) {
  if (container.id == 0) return container == OpenContainer{};
  return container.id < next_container && container.valid_bytes >= kContainerHeaderBytes &&
         container.valid_bytes <= kContainerFileBytesMax &&
         container.next_local_id <= kContainerChunksMax;
}

}  // namespace

std::array<std::byte, kCommitRecordBytes> format_commit_record(const CommitRecord& record) {
  std::array<std::byte, kCommitRecordBytes> bytes{};
  std::byte* at = bytes.data();
  store_le(at, kCommitSignature);
  store_le(at + 8, record.encrypted ? kCommitVersionEncrypted : kCommitVersion);
  store_le(at + 12, static_cast<std::uint32_t>(record.profile));
  std::memcpy(at + 16, record.store.data(), record.store.size());
  store_le(at + 32, record.number);
  store_le(at + 40, record.next_container);
  put(at + 44, record.data);
  put(at + 56, record.stream_maps);
  store_le(at + kSumOffset, static_cast<std::uint64_t>(XXH3_64bits(at, kSumOffset)));
  return bytes;
}

Result<CommitRecord> parse_commit_record(Bytes bytes) {
  const auto corrupt = [](const char* what) {
    return Error(Errc::corrupt, std::string("commit record: ") + what);
  };
  if (bytes.size() < kCommitRecordBytes) {
    return Error(Errc::truncated, "commit record: it ends early");
  }
  const std::byte* at = bytes.data();
  if (load_le<std::uint64_t>(at) != kCommitSignature) return corrupt("it is none");
  if (load_le<std::uint64_t>(at + kSumOffset) != XXH3_64bits(at, kSumOffset)) {
    return corrupt("it has another checksum");
  }
  const auto version = load_le<std::uint32_t>(at + 8);
  if (version != kCommitVersion && version != kCommitVersionEncrypted) {
    return Error(Errc::future_version, "commit record: it is of another version");
  }
  const auto profile = load_le<std::uint32_t>(at + 12);
  CommitRecord record;
  record.encrypted = version == kCommitVersionEncrypted;
  record.profile = static_cast<ChunkProfile>(profile);
  std::memcpy(record.store.data(), at + 16, record.store.size());
  record.number = load_le<std::uint64_t>(at + 32);
  record.next_container = load_le<std::uint32_t>(at + 40);
  record.data = get(at + 44);
  record.stream_maps = get(at + 56);
  if (profile > 2 || record.number == 0 || record.next_container == 0 ||
      record.next_container > kContainerIdMax + 1 ||
      !makes_sense(record.data, record.next_container) ||
      !makes_sense(record.stream_maps, record.next_container)) {
    return corrupt("it makes no sense");
  }
  return record;
}

Status CommitFile::expect_none(Files& files, const BytePath& folder) {
  if (!files.exists(join_path(folder, kFileName))) return Ok{};
  return Error(Errc::already_exists, "'" + escape_path(folder) + "' is a chunk store already");
}

Status CommitFile::create(Files& files, const BytePath& folder, const CommitRecord& first) {
  const BytePath path = join_path(folder, kFileName), made = join_path(folder, kUnfinishedName);
  if (Status s = expect_none(files, folder); !s.ok()) return s;
  if (files.exists(made)) {
    if (Status s = files.remove(made); !s.ok()) return s;
  }
  auto file = files.create(made);
  if (!file.ok()) return file.error();
  if (Status s = file.value()->resize(2 * kCommitSlotBytes); !s.ok()) return s;
  if (Status s = file.value()->write(slot_of(first.number), format_commit_record(first)); !s.ok()) {
    return s;
  }
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files.rename(made, path); !s.ok()) return s;
  return files.sync_directory(folder);
}

namespace {

// A record that is just being written reads as none, and the other counts.
Result<CommitRecord> last_record(const File& file) {
  std::optional<CommitRecord> best;
  Error why(Errc::corrupt, "");
  for (const std::uint64_t slot : {0, 1}) {
    std::array<std::byte, kCommitRecordBytes> bytes;
    if (Status s = file.read(slot * kCommitSlotBytes, bytes); !s.ok()) return s.error();
    auto record = parse_commit_record(bytes);
    if (!record.ok()) {
      why = record.error();
      if (why.code() == Errc::future_version) {
        return why.while_doing("read '" + escape_path(file.path()) + "'");
      }
      continue;
    }
    if (!best || record.value().number > best->number) best = record.value();
  }
  if (best) return *best;
  return why.while_doing("read '" + escape_path(file.path()) +
                         "': neither of its records is valid");
}

}  // namespace

Result<CommitFile> CommitFile::open(Files& files, const BytePath& folder) {
  auto file = files.open(join_path(folder, kFileName), FileAccess::write);
  if (!file.ok()) return file.error().while_doing("open the chunk store");
  const auto last = last_record(*file.value());
  if (!last.ok()) return last.error();
  CommitFile commits(std::move(file).value());
  commits.last_ = last.value();
  return commits;
}

Result<CommitRecord> CommitFile::read_last(Files& files, const BytePath& folder) {
  const auto file = files.open(join_path(folder, kFileName), FileAccess::read);
  if (!file.ok()) return file.error().while_doing("open the chunk store");
  return last_record(*file.value());
}

Status CommitFile::commit(CommitRecord record) {
  record.number = last_.number + 1;
  if (Status s = file_->write(slot_of(record.number), format_commit_record(record)); !s.ok()) {
    return s;
  }
  if (Status s = file_->sync(); !s.ok()) return s;
  last_ = record;
  return Ok{};
}

}  // namespace stillframe::chunkstore

// What of a store's files is valid, in two slots of which a crash can tear one.
#pragma once

#include <cstdint>
#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/cut.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

// A container that is appended to, as far as it was committed.
struct OpenContainer {
  std::uint32_t id = 0;  // 0: none
  std::uint32_t valid_bytes = 0;
  std::uint32_t next_local_id = 0;
  friend bool operator==(const OpenContainer&, const OpenContainer&) = default;
};

struct CommitRecord {
  ChunkProfile profile = ChunkProfile::kib64;
  UuidBytes store{};
  std::uint64_t number = 1;
  std::uint32_t next_container = 1;  // the first id that was never given out
  OpenContainer data, stream_maps;
  bool encrypted = false;  // from its making on
  friend bool operator==(const CommitRecord&, const CommitRecord&) = default;
};

constexpr std::size_t kCommitRecordBytes = 96;
constexpr std::size_t kCommitSlotBytes = 4096;

std::array<std::byte, kCommitRecordBytes> format_commit_record(const CommitRecord& record);
Result<CommitRecord> parse_commit_record(Bytes bytes);

class CommitFile {
 public:
  // Makes the file with record number 1, durably, or not at all: the last step of making a store.
  static Status create(Files& files, const BytePath& folder, const CommitRecord& first);
  // already_exists.
  static Status expect_none(Files& files, const BytePath& folder);
  static Result<CommitFile> open(Files& files, const BytePath& folder);

  // The last commit of a store that somebody else may be writing.
  static Result<CommitRecord> read_last(Files& files, const BytePath& folder);

  const CommitRecord& last() const { return last_; }
  // Writes the next record; once it returns, that is what counts. The number is set here.
  Status commit(CommitRecord record);

 private:
  explicit CommitFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  std::unique_ptr<File> file_;
  CommitRecord last_;
};

}  // namespace stillframe::chunkstore

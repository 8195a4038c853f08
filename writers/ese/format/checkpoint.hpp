// The checkpoint file: where redo has to start. docs/formats/checkpoint.md has the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct CheckpointFields {
  static constexpr std::size_t kBytes = 679;
  static constexpr std::uint8_t kAttachmentsValid = 1;

  std::uint32_t checksum = 0;
  Lgpos last_full_backup, checkpoint;
  Signature log;
  LogEnvironment environment;
  Lgpos full_backup;
  LogTime full_backup_time;
  Lgpos incremental_backup;
  LogTime incremental_backup_time;
  std::uint8_t flags = 0;
  Lgpos database_consistency;
  std::array<std::uint8_t, 11> reserved{};
  FileType file_type = FileType::unset;
  std::array<std::uint8_t, 8> reserved_too{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(4, "lgpos_last_full_backup", self.last_full_backup);
    visit(12, "lgpos_checkpoint", self.checkpoint);
    visit(20, "sign_log", self.log);
    visit(48, "environment", self.environment);
    visit(615, "lgpos_full_backup", self.full_backup);
    visit(623, "full_backup_time", self.full_backup_time);
    visit(631, "lgpos_incremental_backup", self.incremental_backup);
    visit(639, "incremental_backup_time", self.incremental_backup_time);
    visit(647, "flags", self.flags);
    visit(648, "lgpos_database_consistency", self.database_consistency);
    visit(656, "reserved", self.reserved);
    visit(667, "file_type", self.file_type);
    visit(671, "reserved_too", self.reserved_too);
  }

  friend bool operator==(const CheckpointFields&, const CheckpointFields&) = default;
};

struct Checkpoint {
  static constexpr std::size_t kCopyBytes = 4096;
  static constexpr std::size_t kFileBytes = 2 * kCopyBytes;

  CheckpointFields fields;
  std::vector<Attachment> attachments;

  // Whether the list says what was attached at the position; else the log's header has to.
  bool attachments_valid() const {
    return (fields.flags & CheckpointFields::kAttachmentsValid) != 0;
  }
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// What the two copies in a file are worth. They are written one after the other, each made durable
// before the next is begun, so a crash leaves one good copy at least; the first is the newer one
// when both are good.
enum class CheckpointCopies { both_equal, first_newer, only_first, only_second };

struct CheckpointFile {
  Checkpoint checkpoint;
  CheckpointCopies copies = CheckpointCopies::both_equal;
};

// `bytes` is the whole file; `file` names it in errors. checkpoint_corrupt when neither copy is
// good: recovery then treats the file as absent.
Result<CheckpointFile> decode_checkpoint_file(Bytes bytes, std::string_view file);
Result<Checkpoint> decode_checkpoint(Bytes copy, std::string_view file);

// One copy, with its checksum. The caller writes it at 0, syncs, writes it at kCopyBytes and syncs.
// Refuses (invalid_argument) attachments that do not fit.
Result<std::vector<std::byte>> encode_checkpoint(const Checkpoint& checkpoint);

}  // namespace stillframe::ese

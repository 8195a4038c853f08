#include "writers/ese/format/checkpoint.hpp"

#include <string>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kAttachmentsAt = CheckpointFields::kBytes;

Error corrupt(std::string_view file, const std::string& why) {
  return ese_error(EseErr::checkpoint_corrupt, "checkpoint '" + std::string(file) + "': " + why +
                                                   "; recovery can do without it");
}

}  // namespace

Result<Checkpoint> decode_checkpoint(Bytes copy, std::string_view file) {
  if (copy.size() < Checkpoint::kCopyBytes) return corrupt(file, "it is cut short");
  copy = copy.first(Checkpoint::kCopyBytes);
  Checkpoint checkpoint{decode<CheckpointFields>(copy), {}};
  if (checkpoint.fields.checksum != xor_checksum(copy)) {
    return corrupt(file, "it does not match its checksum");
  }
  const FileType type = checkpoint.fields.file_type;
  if (type != FileType::checkpoint && type != FileType::unset) {
    return corrupt(file, "it is another kind of file");
  }
  auto attachments = decode_attachments(copy.subspan(kAttachmentsAt, kAttachmentsBytes),
                                        corrupt(file, "it has an attachment that does not end"));
  if (!attachments.ok()) return attachments.error();
  checkpoint.attachments = std::move(attachments).value();
  return checkpoint;
}

Result<CheckpointFile> decode_checkpoint_file(Bytes bytes, std::string_view file) {
  auto first = decode_checkpoint(bytes, file);
  const bool has_second = bytes.size() >= Checkpoint::kFileBytes;
  auto second = has_second ? decode_checkpoint(bytes.subspan(Checkpoint::kCopyBytes), file)
                           : Result<Checkpoint>(corrupt(file, "it has no second copy"));
  if (!first.ok() && !second.ok()) return first.error();
  if (!first.ok()) {
    return CheckpointFile{std::move(second).value(), CheckpointCopies::only_second};
  }
  const CheckpointCopies copies = !second.ok()                      ? CheckpointCopies::only_first
                                  : first.value() == second.value() ? CheckpointCopies::both_equal
                                                                    : CheckpointCopies::first_newer;
  return CheckpointFile{std::move(first).value(), copies};
}

Result<std::vector<std::byte>> encode_checkpoint(const Checkpoint& checkpoint) {
  std::vector<std::byte> bytes(Checkpoint::kCopyBytes);
  CheckpointFields fields = checkpoint.fields;
  fields.file_type = FileType::checkpoint;
  encode(fields, bytes);
  if (!encode_attachments(checkpoint.attachments,
                          MutableBytes(bytes).subspan(kAttachmentsAt, kAttachmentsBytes))) {
    return Error(Errc::invalid_argument,
                 "the attached databases' paths do not fit into a checkpoint");
  }
  store_le(bytes.data(), xor_checksum(bytes));
  return bytes;
}

}  // namespace stillframe::ese

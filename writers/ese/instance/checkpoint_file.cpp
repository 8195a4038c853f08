#include "writers/ese/instance/checkpoint_file.hpp"

#include <utility>

#include "framework/base/path.hpp"

namespace stillframe::ese {

CheckpointWriter::CheckpointWriter(Files& files, BytePath directory, const std::string& name)
    : files_(files), directory_(std::move(directory)), path_(join_path(directory_, name)) {}

Status CheckpointWriter::open() {
  if (file_ != nullptr) return Ok{};
  const bool there = files_.exists(path_);
  auto file = there ? files_.open(path_, FileAccess::write) : files_.create(path_);
  if (!file.ok()) return file.error();
  if (!there) {
    if (Status s = files_.sync_directory(directory_); !s.ok()) return s;
  }
  file_ = std::move(file).value();
  return Ok{};
}

Status CheckpointWriter::write(const Checkpoint& checkpoint) {
  const auto bytes = encode_checkpoint(checkpoint);
  if (!bytes.ok()) return bytes.error();
  if (Status s = open(); !s.ok()) return s;
  for (std::uint64_t at = 0; at < Checkpoint::kFileBytes; at += Checkpoint::kCopyBytes) {
    if (Status s = file_->write(at, bytes.value()); !s.ok()) return s;
    if (Status s = file_->sync(); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::ese

#include "framework/chunkstore/container_directory.hpp"

#include <algorithm>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/path.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::size_t kSlotSumOffset = 24;

}  // namespace

std::array<std::byte, kDirectorySlotBytes> format_directory_slot(const DirectorySlot& slot) {
  std::array<std::byte, kDirectorySlotBytes> bytes{};
  store_le(bytes.data(), slot.container.id);
  store_le(bytes.data() + 4, slot.container.generation);
  store_le(bytes.data() + 8, slot.file_bytes);
  store_le(bytes.data() + 12, slot.footer_bytes);
  store_le(bytes.data() + kSlotSumOffset,
           static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), kSlotSumOffset)));
  return bytes;
}

Result<DirectorySlot> parse_directory_slot(Bytes bytes) {
  const Error corrupt(Errc::corrupt, "directory of containers: a slot is damaged");
  if (bytes.size() != kDirectorySlotBytes) return corrupt;
  if (std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return Error(Errc::not_found, "directory of containers: a slot is empty");
  }
  if (load_le<std::uint64_t>(bytes.data() + kSlotSumOffset) !=
      XXH3_64bits(bytes.data(), kSlotSumOffset)) {
    return corrupt;
  }
  const DirectorySlot slot{
      {load_le<std::uint32_t>(bytes.data()), load_le<std::uint32_t>(bytes.data() + 4)},
      load_le<std::uint32_t>(bytes.data() + 8),
      load_le<std::uint32_t>(bytes.data() + 12)};
  if (slot.container.id == 0 || slot.container.id > kContainerIdMax ||
      slot.container.generation == 0 || slot.footer_bytes < kTrailerBytes ||
      slot.footer_bytes > kFooterBytesMax || slot.file_bytes < kContainerHeaderBytes ||
      slot.file_bytes > kContainerFileBytesMax ||
      slot.footer_bytes > slot.file_bytes - kContainerHeaderBytes) {
    return corrupt;
  }
  return slot;
}

Result<std::unique_ptr<ContainerDirectory>> ContainerDirectory::open(Files& files,
                                                                     const BytePath& folder) {
  const BytePath path = join_path(folder, kDirectoryFileName);
  const bool is_there = files.exists(path);
  auto file = is_there ? files.open(path, FileAccess::write) : files.create(path);
  if (!file.ok()) return file.error();
  std::unique_ptr<ContainerDirectory> directory(new ContainerDirectory(std::move(file).value()));
  // Its name too: what a slot says has to be found.
  if (Status s = files.sync_directory(folder); !s.ok()) return s.error();
  const auto size = directory->file_->size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> bytes(
      std::min<std::uint64_t>(size.value(), directory_slot_offset(kContainerIdMax + 1)));
  if (Status s = directory->file_->read(0, bytes); !s.ok()) return s.error();
  directory->slots_.resize(bytes.size() / kDirectorySlotBytes);
  for (std::size_t i = 0; i < directory->slots_.size(); ++i) {
    const auto slot =
        parse_directory_slot(Bytes(bytes).subspan(i * kDirectorySlotBytes, kDirectorySlotBytes));
    if (slot.ok() && slot.value().container.id == i + 1) directory->slots_[i] = slot.value();
  }
  // Who was killed before may have written what is there, and not synced it.
  directory->synced_ = false;
  return directory;
}

Status ContainerDirectory::set(const DirectorySlot& slot) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = slot.container.id - 1;
  if (index < slots_.size() && slots_[index] == slot) return Ok{};
  synced_ = false;
  const std::uint64_t offset = directory_slot_offset(slot.container.id);
  if (Status s = file_->write(offset, format_directory_slot(slot)); !s.ok()) return s;
  if (slots_.size() <= index) slots_.resize(index + 1);
  slots_[index] = slot;
  return Ok{};
}

Status ContainerDirectory::sync() {
  const std::lock_guard lock(mutex_);
  if (synced_) return Ok{};
  if (Status s = file_->sync(); !s.ok()) return s;
  synced_ = true;
  return Ok{};
}

}  // namespace stillframe::chunkstore

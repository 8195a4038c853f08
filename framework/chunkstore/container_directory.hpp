// Which generation of each container counts and where its footer lies, in one file: for whoever can
// read files of a store by name and place only, and can neither list them nor ask for their size.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/container_format.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

constexpr const char* kDirectoryFileName = "directory";
constexpr std::size_t kDirectorySlotBytes = 32;

// Of a sealed container.
struct DirectorySlot {
  ContainerFile container;
  std::uint32_t file_bytes = 0;
  std::uint32_t footer_bytes = 0;  // the last of them
  friend bool operator==(const DirectorySlot& a, const DirectorySlot& b) {
    return a.container.id == b.container.id && a.container.generation == b.container.generation &&
           a.file_bytes == b.file_bytes && a.footer_bytes == b.footer_bytes;
  }
};

constexpr std::uint64_t directory_slot_offset(std::uint32_t container) {
  return std::uint64_t{container - 1} * kDirectorySlotBytes;
}
std::array<std::byte, kDirectorySlotBytes> format_directory_slot(const DirectorySlot& slot);
// not_found: an empty slot.
Result<DirectorySlot> parse_directory_slot(Bytes bytes);

// A slot is durable once sync() has returned. Threads may share it.
class ContainerDirectory {
 public:
  // Makes it if it is not there. Slots that are damaged are empty.
  static Result<std::unique_ptr<ContainerDirectory>> open(Files& files, const BytePath& folder);

  // Writes nothing if the slot says so already.
  Status set(const DirectorySlot& slot);
  Status sync();

 private:
  explicit ContainerDirectory(std::unique_ptr<File> file) : file_(std::move(file)) {}

  std::mutex mutex_;
  std::unique_ptr<File> file_;
  std::vector<DirectorySlot> slots_;  // by id - 1, as they were written
  bool synced_ = true;
};

}  // namespace stillframe::chunkstore

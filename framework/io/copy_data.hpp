// A file's content, its holes kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe {

enum class DataMode {
  clone,          // share blocks (FICLONE) or fail
  clone_or_copy,  // share blocks where the file system can, else let the kernel copy
  copy,           // blocks of its own, always
};

struct CopiedData {
  bool cloned = false;
  std::uint64_t bytes_written = 0;  // 0 when cloned
};

// Makes the regular file `to` (open for writing, empty or to be overwritten) equal to `from`,
// `name` being for messages. `cancelled` may be null; when it becomes true the copy stops with
// Errc::cancelled and `to` is incomplete.
Result<CopiedData> copy_data(int from, int to, DataMode mode, std::string_view name,
                             const std::atomic<bool>* cancelled = nullptr);

// Shares all blocks of `from` with `to`. not_supported where the file system cannot at all.
Status clone_data(int from, int to, std::string_view name);

}  // namespace stillframe

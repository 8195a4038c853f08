// The volume that files are restored to, as a restore uses it. Tests put one in memory here.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <stillframe/descriptor.hpp>
#include <stillframe/restore/ddpbackup.h>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup {

// A marked file, open. Nothing that is done to it counts before finish().
class TargetFile {
 public:
  virtual ~TargetFile() = default;
  virtual Status write(std::uint64_t offset, Bytes from) = 0;  // within its size
  virtual Status zero(std::uint64_t offset, std::uint64_t bytes) = 0;
  // Durably an ordinary file of this size, with the times it was seen with.
  virtual Status finish(std::uint64_t file_bytes) = 0;
};

class TargetVolume {
 public:
  virtual ~TargetVolume() = default;

  // Why nothing can be restored to it; S_OK if it can.
  virtual HRESULT usable() = 0;

  struct Look {
    std::pair<std::uint64_t, std::uint64_t> identity;  // the same by whatever name
    std::uint64_t bytes = 0;
    std::array<timespec, 2> times{};  // of its last use and its last change
    std::optional<Stub> mark;         // none: not a deduplicated file
  };
  // `path` is relative to the root. future_version: its mark is damaged or of another version.
  virtual Result<Look> look(std::string_view path) = 0;
  // As often as is needed. in_use: it is not the file that was looked at.
  virtual Result<std::unique_ptr<TargetFile>> open(std::string_view path, const Look& seen) = 0;
};

// The tree below this directory.
std::unique_ptr<TargetVolume> posix_target_volume(Descriptor root);

}  // namespace stillframe::dedup

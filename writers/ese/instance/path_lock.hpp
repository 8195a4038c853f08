// Keeps other processes, and other instances of this one, away from a folder or a file.
#pragma once

#include <optional>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe::ese {

// Held as long as it lives; the kernel lets go when the process dies. Binds only those who ask.
class PathLock {
 public:
  PathLock() = default;
  // None if somebody else holds it.
  static Result<std::optional<PathLock>> take(const BytePath& path);
  // Whether somebody holds `path`.
  static Result<bool> is_taken(const BytePath& path);

 private:
  explicit PathLock(Descriptor held) : held_(std::move(held)) {}

  Descriptor held_;
};

}  // namespace stillframe::ese

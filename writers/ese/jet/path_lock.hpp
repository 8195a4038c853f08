// Keeps other processes, and other instances of this one, away from a folder or a file.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

namespace stillframe::ese::jet {

// Held as long as it lives; the kernel lets go when the process dies. Binds only those who ask.
class PathLock {
 public:
  PathLock() = default;
  // `taken` if somebody else holds it.
  static Result<PathLock> take(const BytePath& path, JET_ERR taken);
  // Whether somebody holds `path`.
  static Result<bool> is_taken(const BytePath& path);

 private:
  explicit PathLock(Descriptor held) : held_(std::move(held)) {}

  Descriptor held_;
};

}  // namespace stillframe::ese::jet

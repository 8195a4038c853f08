// Keeps others away from a folder or a file, and answers callers of the JET interface.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese::jet {

class PathLock {
 public:
  PathLock() = default;
  // `taken` if somebody else holds it.
  static Result<PathLock> take(const BytePath& path, JET_ERR taken);
  // Whether somebody holds `path`.
  static Result<bool> is_taken(const BytePath& path) { return ese::PathLock::is_taken(path); }

 private:
  explicit PathLock(ese::PathLock held) : held_(std::move(held)) {}

  ese::PathLock held_;
};

}  // namespace stillframe::ese::jet

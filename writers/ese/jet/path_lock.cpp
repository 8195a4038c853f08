#include "writers/ese/jet/path_lock.hpp"

#include <utility>

#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

Result<PathLock> PathLock::take(const BytePath& path, JET_ERR taken) {
  auto got = ese::PathLock::take(path);
  if (!got.ok()) return got.error();
  if (got.value()) return PathLock(std::move(*got.value()));
  return jet_error(taken, "'" + escape_path(path) + "' is used by another instance or process");
}

}  // namespace stillframe::ese::jet

#include "framework/io/remove_tree.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

Status remove_directory(int directory, const BytePath& name, const BytePath& path) {
  if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return Ok{};
  return posix_error(errno, "remove directory", path);
}

}  // namespace

Status remove_tree(int directory, const BytePath& name) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return Ok{};
  if (errno != EISDIR && errno != EPERM) return posix_error(errno, "remove", name);
  Descriptor top(
      ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top.valid()) return posix_error(errno, "remove", name);
  const auto enter = [](const WalkEntry& entry) -> Result<bool> {
    if (S_ISDIR(entry.status.st_mode)) return true;
    if (::unlinkat(entry.directory, entry.name.c_str(), 0) != 0 && errno != ENOENT) {
      return posix_error(errno, "remove", entry.path);
    }
    return false;
  };
  const auto leave = [](const WalkEntry& entry) {
    return remove_directory(entry.directory, entry.name, entry.path);
  };
  if (Status s = walk_tree(top.get(), WalkOptions{}, enter, leave); !s.ok()) return s;
  return remove_directory(directory, name, name);
}

Status remove_tree(const BytePath& path) {
  if (!exists(path)) return Ok{};
  auto parent = open_directory(parent_path(path));
  if (!parent.ok()) return parent.error();
  return remove_tree(parent.value().get(), last_component(path));
}

}  // namespace stillframe

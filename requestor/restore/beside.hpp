// A target and the files beside it, by their directory's descriptor, so that no link is followed on
// the way. For the restorer's own files only.
#pragma once

#include <cerrno>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "requestor/store/tree.hpp"

namespace stillframe::requestor {

inline BytePath folder_of(const BytePath& relative) {
  const auto slash = relative.rfind('/');
  return slash == BytePath::npos ? BytePath() : relative.substr(0, slash);
}

inline Result<Descriptor> parent_of(const Tree& tree, const BytePath& relative) {
  return tree.open_directory(folder_of(relative));
}

inline Status rename_within(const Tree& tree, const BytePath& from, const BytePath& to,
                            bool replace) {
  auto parent = parent_of(tree, from);
  if (!parent.ok()) return parent.error();
  const int fd = parent.value().get();
  const BytePath old_name = last_component(from), new_name = last_component(to);
  if (renameat2(fd, old_name.c_str(), fd, new_name.c_str(), replace ? 0 : RENAME_NOREPLACE) != 0) {
    return posix_error(errno, "rename", join_path(tree.path(), from));
  }
  return Ok{};
}

inline bool there(const Tree& tree, const BytePath& relative) {
  auto parent = parent_of(tree, relative);
  struct stat info {};
  return parent.ok() && fstatat(parent.value().get(), last_component(relative).c_str(), &info,
                                AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace stillframe::requestor

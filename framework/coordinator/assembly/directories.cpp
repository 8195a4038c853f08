#include "framework/coordinator/assembly/directories.hpp"

#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::coordinator {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

BytePath default_state_dir() {
  if (::geteuid() == 0) return "/var/lib/stillframe";
  const std::string base = environment("XDG_STATE_HOME");
  return (base.empty() ? environment("HOME") + "/.local/state" : base) + "/stillframe";
}

BytePath default_runtime_dir() {
  if (::geteuid() == 0) return "/run/stillframe";
  const std::string base = environment("XDG_RUNTIME_DIR");
  return (base.empty() ? "/tmp/stillframe-" + std::to_string(::geteuid()) : base + "/stillframe");
}

Status make_directory(const BytePath& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const BytePath part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return posix_error(errno, "cannot make the folder", part);
    if (slash == BytePath::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return posix_error(errno, "cannot look at", path);
  if (!S_ISDIR(info.st_mode)) return posix_error(ENOTDIR, "cannot use as a folder", path);
  // Whoever else may write here could plant a journal or a record that we would act upon.
  if (info.st_uid != ::geteuid() || (info.st_mode & 022) != 0)
    return Error(Errc::access_denied, "folder " + escape_path(path) +
                                          " belongs to another user or others may write to it; "
                                          "chown it and chmod 0700");
  return Ok{};
}

}  // namespace

void fill_defaults(Directories& directories) {
  if (directories.state.empty()) directories.state = default_state_dir();
  if (directories.runtime.empty()) directories.runtime = default_runtime_dir();
}

Status prepare_directories(Directories& directories, unsigned runtime_mode) {
  fill_defaults(directories);
  for (const BytePath* directory : {&directories.state, &directories.runtime}) {
    if (directory->front() != '/')
      return Error(Errc::invalid_argument,
                   "folder " + escape_path(*directory) + " is not an absolute path");
    const unsigned mode = directory == &directories.runtime ? runtime_mode : 0700;
    if (Status s = make_directory(*directory, mode); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::coordinator

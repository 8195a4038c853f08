#include "framework/base/shared_object.hpp"

#include <cerrno>
#include <string>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

// Whoever can write the file decides what this process does.
Status check_file(const BytePath& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return posix_error(errno, "look at plug-in", path);
  const std::string name = "plug-in '" + escape_path(path) + "'";
  if (!S_ISREG(st.st_mode)) return Error(Errc::invalid_argument, name + " is no regular file");
  if (st.st_uid != 0 && st.st_uid != ::geteuid()) {
    return Error(Errc::access_denied, name + " belongs to user " + std::to_string(st.st_uid) +
                                          "; it must belong to root or to the user that loads it");
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Errc::access_denied, name + " can be written by others; chmod go-w it");
  }
  return Ok{};
}

std::string last_dl_error() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "unknown";
}

}  // namespace

Result<void*> load_symbol(const BytePath& path, const char* symbol) {
  if (path.empty() || path[0] != '/') {
    return Error(Errc::invalid_argument, "plug-in path '" + escape_path(path) +
                                             "' is not absolute, so it would be searched for");
  }
  if (Status s = check_file(path); !s.ok()) return s.error();
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error(Errc::invalid_argument,
                 "cannot load plug-in '" + escape_path(path) + "': " + last_dl_error());
  }
  void* found = ::dlsym(handle, symbol);
  if (found == nullptr) {
    return Error(Errc::invalid_argument, "'" + escape_path(path) + "' is no Stillframe plug-in: " +
                                             "it does not export " + symbol);
  }
  return found;
}

}  // namespace stillframe

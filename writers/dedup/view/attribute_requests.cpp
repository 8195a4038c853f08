// Extended attributes pass through, but for the mark of deduplicated files, which nobody sees.
#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/xattr.h>

#include "writers/dedup/view/requests.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup {

namespace {

bool is_mark(const char* name) {
  return std::strcmp(name, kStubAttribute) == 0;
}

}  // namespace

void Requests::set_attribute(fuse_req_t request, fuse_ino_t number, const char* name,
                             const char* value, size_t size, int flags) {
  if (is_mark(name)) {
    fuse_reply_err(request, EPERM);
    return;
  }
  const std::string path = inode(request, number).path();
  const int done = ::setxattr(path.c_str(), name, value, size, flags);
  fuse_reply_err(request, done == 0 ? 0 : errno);
}

void Requests::get_attribute(fuse_req_t request, fuse_ino_t number, const char* name, size_t size) {
  if (is_mark(name)) {
    fuse_reply_err(request, ENODATA);
    return;
  }
  std::vector<char> value(size);
  const std::string path = inode(request, number).path();
  const ssize_t got = ::getxattr(path.c_str(), name, value.data(), value.size());
  if (got < 0) {
    fuse_reply_err(request, errno);
  } else if (size == 0) {
    fuse_reply_xattr(request, static_cast<size_t>(got));
  } else {
    fuse_reply_buf(request, value.data(), static_cast<size_t>(got));
  }
}

void Requests::list_attributes(fuse_req_t request, fuse_ino_t number, size_t size) {
  const std::string path = inode(request, number).path();
  std::vector<char> names(XATTR_LIST_MAX);
  const ssize_t got = ::listxattr(path.c_str(), names.data(), names.size());
  if (got < 0) {
    fuse_reply_err(request, errno);
    return;
  }
  std::string shown;
  for (ssize_t at = 0; at < got;) {
    const std::string name(names.data() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!is_mark(name.c_str())) shown.append(name).push_back('\0');
  }
  if (size == 0) {
    fuse_reply_xattr(request, shown.size());
  } else if (shown.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, shown.data(), shown.size());
  }
}

void Requests::remove_attribute(fuse_req_t request, fuse_ino_t number, const char* name) {
  if (is_mark(name)) {
    fuse_reply_err(request, EPERM);
    return;
  }
  const int done = ::removexattr(inode(request, number).path().c_str(), name);
  fuse_reply_err(request, done == 0 ? 0 : errno);
}

}  // namespace stillframe::dedup

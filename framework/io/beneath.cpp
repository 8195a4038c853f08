#include "framework/io/beneath.hpp"

#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

// The kernel gives up a RESOLVE_BENEATH walk with EAGAIN when anything is renamed meanwhile.
constexpr int kAgainMax = 64;
constexpr std::size_t kChunkBytes = PATH_MAX - 256;

Error refused(std::string_view relative) {
  return Error(Errc::invalid_argument,
               "path '" + escape_path(relative) +
                   "' is absolute or has an empty, '.' or '..' part; give one below the root");
}

int try_openat2(int directory, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EINTR && (errno != EAGAIN || tries == kAgainMax)) return -1;
  }
}

// Splits off a first part of at most kChunkBytes that ends at a slash.
std::string_view take_chunk(std::string_view& rest) {
  std::size_t end = rest.size();
  if (end > kChunkBytes) end = rest.rfind('/', kChunkBytes);
  const auto chunk = rest.substr(0, end);
  rest.remove_prefix(end == rest.size() ? end : end + 1);
  return chunk;
}

Result<Descriptor> open_by_chunks(int root, std::string_view relative, int flags, mode_t mode,
                                  bool& missing) {
  Descriptor at;
  for (std::string_view rest = relative;;) {
    const BytePath chunk(take_chunk(rest));
    const int from = at.valid() ? at.get() : root;
    const bool last = rest.empty();
    const int fd = try_openat2(from, chunk.c_str(), last ? flags : O_PATH | O_DIRECTORY, mode);
    if (fd < 0) {
      missing = errno == ENOSYS || errno == EPERM || errno == E2BIG;
      return posix_error(errno, "open", relative);
    }
    at = Descriptor(fd);
    if (last) return at;
  }
}

Result<Descriptor> open_by_components(int root, std::string_view relative, int flags, mode_t mode) {
  Descriptor at;
  for (std::size_t begin = 0;;) {
    auto end = relative.find('/', begin);
    const bool last = end == std::string_view::npos;
    const BytePath name(relative.substr(begin, last ? end : end - begin));
    const int from = at.valid() ? at.get() : root;
    const int how = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
    const int fd = ::openat(from, name.c_str(), how | O_CLOEXEC, last ? mode : 0);
    if (fd < 0) return posix_error(errno, "open", relative);
    at = Descriptor(fd);
    if (last) return at;
    begin = end + 1;
  }
}

}  // namespace

Result<Descriptor> open_beneath_by(BeneathMethod method, int root, std::string_view relative,
                                   int flags, mode_t mode) {
  if (!is_safe_relative(relative)) return refused(relative);
  if (relative.empty()) {
    const int fd = ::openat(root, ".", flags | O_CLOEXEC, mode);
    if (fd < 0) return posix_error(errno, "open", ".");
    return Descriptor(fd);
  }
  if (method == BeneathMethod::openat2_if_there) {
    bool missing = false;
    auto opened = open_by_chunks(root, relative, flags, mode, missing);
    if (opened.ok() || !missing) return opened;
  }
  return open_by_components(root, relative, flags, mode);
}

Result<Descriptor> open_beneath(int root, std::string_view relative, int flags, mode_t mode) {
  return open_beneath_by(BeneathMethod::openat2_if_there, root, relative, flags, mode);
}

Result<ParentBeneath> open_parent_beneath(int root, std::string_view relative) {
  if (relative.empty() || !is_safe_relative(relative)) return refused(relative);
  const auto slash = relative.rfind('/');
  const auto parent = slash == std::string_view::npos ? "" : relative.substr(0, slash);
  auto directory = open_beneath(root, parent, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return directory.error();
  return ParentBeneath{
      std::move(directory).value(),
      BytePath(slash == std::string_view::npos ? relative : relative.substr(slash + 1))};
}

Result<Descriptor> make_directories_beneath(int root, std::string_view relative, mode_t mode) {
  auto whole = open_beneath(root, relative, O_RDONLY | O_DIRECTORY);
  if (whole.ok() || whole.error().code() != Errc::not_found) return whole;
  Descriptor at;
  for (std::size_t begin = 0; begin <= relative.size();) {
    auto end = relative.find('/', begin);
    if (end == std::string_view::npos) end = relative.size();
    const BytePath name(relative.substr(begin, end - begin));
    const int from = at.valid() ? at.get() : root;
    if (::mkdirat(from, name.c_str(), mode) != 0 && errno != EEXIST) {
      return posix_error(errno, "create directory", relative);
    }
    const int fd = ::openat(from, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return posix_error(errno, "open directory", relative);
    at = Descriptor(fd);
    begin = end + 1;
  }
  return at;
}

}  // namespace stillframe

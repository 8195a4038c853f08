#include "writers/ese/format/database_file.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kHeaderCopiesCount = 2;

Status read_at(int fd, MutableBytes to, std::uint64_t offset, std::string_view name) {
  while (!to.empty()) {
    const ssize_t got = pread(fd, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "cannot read", name);
    if (got == 0) {
      return Error(Errc::truncated, "'" + std::string(name) + "' became shorter while it was read");
    }
    to = to.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<DatabaseFile>> DatabaseFile::open(const BytePath& path) {
  Result<Descriptor> file = open_file(path, O_RDONLY);
  if (!file.ok()) return file.error();
  struct stat about {};
  if (fstat(file.value().get(), &about) != 0) {
    return posix_error(errno, "cannot ask for the size of", path);
  }
  if (!S_ISREG(about.st_mode)) return Error(Errc::invalid_argument, "'" + path + "' is not a file");
  const auto bytes = static_cast<std::uint64_t>(about.st_size);
  std::vector<std::byte> start(
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kHeaderCopiesCount * kPageBytesMax)));
  if (Status read = read_at(file.value().get(), start, 0, path); !read.ok()) return read.error();
  Result<HeaderFound> found = find_header(start, path);
  if (!found.ok()) return found.error();
  return std::unique_ptr<DatabaseFile>(
      new DatabaseFile(std::move(file).value(), path, bytes, std::move(found).value()));
}

std::uint64_t DatabaseFile::bytes_left_over() const {
  return file_bytes_ % page_bytes();
}

Pgno DatabaseFile::last_page() const {
  const std::uint64_t slots = file_bytes_ / page_bytes();
  const std::uint64_t pages = slots > kHeaderCopiesCount ? slots - kHeaderCopiesCount : 0;
  return Pgno(static_cast<std::uint32_t>(
      std::min<std::uint64_t>(pages, std::numeric_limits<std::uint32_t>::max() - 2)));
}

Status DatabaseFile::read_pages(Pgno first, MutableBytes to) const {
  const auto begin = static_cast<std::uint64_t>(first);
  const std::uint64_t count = to.size() / page_bytes();
  if (begin == 0 || begin - 1 + count > static_cast<std::uint64_t>(last_page())) {
    return ese_error(EseErr::bad_page_link,
                     "page " + std::to_string(begin) + " of '" + name_ + "' is past its end");
  }
  return read_at(file_.get(), to, (begin + kHeaderCopiesCount - 1) * page_bytes(), name_);
}

}  // namespace stillframe::ese

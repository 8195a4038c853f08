#include "framework/io/copy_data.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
constexpr std::size_t kRangeBytesMax = std::size_t{16} << 20;  // between two looks at `cancelled`

bool cannot_clone(int error_number) {
  return error_number == EOPNOTSUPP || error_number == EXDEV || error_number == EINVAL ||
         error_number == ENOTTY || error_number == ENOSYS;
}

class DataCopy {
 public:
  DataCopy(int from, int to, bool in_kernel, std::string_view name,
           const std::atomic<bool>* cancelled)
      : from_(from), to_(to), in_kernel_(in_kernel), name_(name), cancelled_(cancelled) {}

  Result<CopiedData> run() {
    struct stat status {};
    if (::fstat(from_, &status) != 0) return posix_error(errno, "look at", name_);
    if (::ftruncate(to_, 0) != 0) return posix_error(errno, "empty the copy of", name_);
    const off_t size = status.st_size;
    for (off_t at = 0; at < size;) {
      off_t data = ::lseek(from_, at, SEEK_DATA);
      if (data < 0 && errno == ENXIO) break;  // nothing but a hole to the end
      if (data < 0) data = at;                // no SEEK_DATA here: everything is data
      off_t hole = ::lseek(from_, data, SEEK_HOLE);
      if (hole < 0) hole = size;
      if (Status s = segment(data, std::min(hole, size)); !s.ok()) return s.error();
      at = std::max(hole, data + 1);
    }
    if (::ftruncate(to_, size) != 0) return posix_error(errno, "set the size of", name_);
    return CopiedData{false, written_};
  }

 private:
  Status segment(off_t begin, off_t end) {
    while (begin < end) {
      if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
        return Error(Errc::cancelled, "copy '" + escape_path(name_) + "': cancelled");
      }
      const auto want = static_cast<std::size_t>(end - begin);
      const bool in_kernel = in_kernel_;
      auto moved = in_kernel ? range(begin, std::min(want, kRangeBytesMax))
                             : through_buffer(begin, std::min(want, kBufferBytes));
      if (!moved.ok()) return moved.error();
      // Nothing from the kernel means "again, or by the other way"; from read() it is the end of a
      // file that was cut short meanwhile.
      if (moved.value() == 0 && !in_kernel) return Ok{};
      begin += static_cast<off_t>(moved.value());
      written_ += moved.value();
    }
    return Ok{};
  }

  Result<std::size_t> range(off_t at, std::size_t bytes) {
    off_t in = at, out = at;
    const ssize_t moved = ::copy_file_range(from_, &in, to_, &out, bytes, 0);
    if (moved > 0) return static_cast<std::size_t>(moved);
    if (moved < 0 && errno == EINTR) return std::size_t{0};
    if (moved < 0 && !cannot_clone(errno) && errno != EBADF) {
      return posix_error(errno, "copy", name_);
    }
    in_kernel_ = false;  // also when 0 came back: some file systems say that for "cannot"
    return std::size_t{0};
  }

  Result<std::size_t> through_buffer(off_t at, std::size_t bytes) {
    if (!buffer_) buffer_ = std::make_unique<char[]>(kBufferBytes);
    ssize_t got = -1;
    do got = ::pread(from_, buffer_.get(), bytes, at);
    while (got < 0 && errno == EINTR);
    if (got < 0) return posix_error(errno, "read", name_);
    const auto count = static_cast<std::size_t>(got);
    Status put = write_all_at(to_, {buffer_.get(), count}, static_cast<std::uint64_t>(at), name_);
    if (!put.ok()) return put.error();
    return count;
  }

  const int from_, to_;
  bool in_kernel_;
  const std::string_view name_;
  const std::atomic<bool>* cancelled_;
  std::unique_ptr<char[]> buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace

Status clone_data(int from, int to, std::string_view name) {
  int done = -1;
  do done = ::ioctl(to, FICLONE, from);
  while (done != 0 && errno == EINTR);
  if (done == 0) return Ok{};
  const int failed = errno;
  if (cannot_clone(failed)) {
    return Error(Errc::not_supported, posix_error(failed, "clone", name).what());
  }
  return posix_error(failed, "clone", name);
}

Result<CopiedData> copy_data(int from, int to, DataMode mode, std::string_view name,
                             const std::atomic<bool>* cancelled) {
  if (mode != DataMode::copy) {
    Status cloned = clone_data(from, to, name);
    if (cloned.ok()) return CopiedData{true, 0};
    if (mode == DataMode::clone || cloned.error().code() != Errc::not_supported) {
      return cloned.error();
    }
  }
  return DataCopy(from, to, mode == DataMode::clone_or_copy, name, cancelled).run();
}

}  // namespace stillframe

#include "writers/dedup/volume/posix_lower_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kBlockBytesMin = 4096;  // whole pages, whatever the file system's blocks

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class PosixLowerFile final : public LowerFile {
 public:
  PosixLowerFile(Descriptor file, BytePath path, std::uint64_t block_bytes)
      : file_(std::move(file)), path_(std::move(path)), block_bytes_(block_bytes) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(file_.get(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", path_);
      if (got == 0) return Error(Errc::truncated, "read '" + escape_path(path_) + "': it ends");
      done += static_cast<std::size_t>(got);
    }
    return Ok{};
  }

  Status write(std::uint64_t offset, Bytes from) override {
    return write_all_at(file_.get(), {reinterpret_cast<const char*>(from.data()), from.size()},
                        offset, path_);
  }

  Result<std::uint64_t> size() const override {
    const auto now = version();
    if (!now.ok()) return now.error();
    return now.value().bytes;
  }

  Status resize(std::uint64_t bytes) override {
    if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) == 0) return Ok{};
    return posix_error(errno, "resize", path_);
  }

  Status punch(std::uint64_t offset, std::uint64_t bytes) override {
    constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(file_.get(), kMode, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0)
      return Ok{};
    return posix_error(errno, "punch a hole into", path_);
  }

  Status sync() override {
    if (::fsync(file_.get()) == 0) return Ok{};  // fdatasync() leaves attributes out
    return posix_error(errno, "sync", path_);
  }

  Result<FileVersion> version() const override {
    struct stat about {};
    if (::fstat(file_.get(), &about) != 0) return posix_error(errno, "examine", path_);
    return FileVersion{nanoseconds(about.st_mtim), nanoseconds(about.st_ctim),
                       static_cast<std::uint64_t>(about.st_size)};
  }

  Result<std::optional<Stub>> mark() const override {
    std::array<std::byte, kStubBytes + 1> bytes{};  // one that is longer is noticed
    const ssize_t got = ::fgetxattr(file_.get(), kStubAttribute, bytes.data(), bytes.size());
    if (got < 0 && errno == ENODATA && !may_read_marks()) {
      return Error(Errc::access_denied, "whether '" + escape_path(path_) +
                                            "' is deduplicated can be seen with CAP_SYS_ADMIN "
                                            "only; run this as root");
    }
    if (got < 0 && (errno == ENODATA || errno == ENOTSUP)) return std::optional<Stub>();
    if (got < 0 && errno != ERANGE) return posix_error(errno, "read the mark of", path_);
    const auto stub = parse_stub(Bytes(bytes).first(got < 0 ? 0 : static_cast<std::size_t>(got)));
    if (!stub.ok()) return stub.error().while_doing("opening '" + escape_path(path_) + "'");
    return std::optional<Stub>(stub.value());
  }

  Status set_mark(const std::optional<Stub>& mark) override {
    if (!mark) {
      if (::fremovexattr(file_.get(), kStubAttribute) == 0 || errno == ENODATA) return Ok{};
      return posix_error(errno, "take the mark from", path_);
    }
    const auto bytes = format_stub(*mark);
    if (::fsetxattr(file_.get(), kStubAttribute, bytes.data(), bytes.size(), 0) == 0) return Ok{};
    return posix_error(errno, "mark", path_);
  }

  std::uint64_t block_bytes() const override { return block_bytes_; }

 private:
  const Descriptor file_;
  const BytePath path_;
  const std::uint64_t block_bytes_;
};

}  // namespace

bool may_read_marks() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) != 0;
}

Result<std::unique_ptr<LowerFile>> posix_lower_file(Descriptor file, BytePath path) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return posix_error(errno, "examine", path);
  if (!S_ISREG(about.st_mode)) {
    return Error(Errc::invalid_argument, "'" + escape_path(path) + "' is no regular file");
  }
  const auto wanted = std::max(kBlockBytesMin, static_cast<std::uint64_t>(about.st_blksize));
  return std::unique_ptr<LowerFile>(
      std::make_unique<PosixLowerFile>(std::move(file), std::move(path), std::bit_ceil(wanted)));
}

}  // namespace stillframe::dedup

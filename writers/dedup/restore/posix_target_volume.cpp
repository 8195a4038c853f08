#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/restore/target_volume.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {

namespace {

class PosixTargetFile final : public TargetFile {
 public:
  PosixTargetFile(Descriptor file, BytePath path, const std::array<timespec, 2>& times)
      : file_(std::move(file)), path_(std::move(path)), times_(times) {}

  Status write(std::uint64_t offset, Bytes from) override {
    return write_all_at(file_.get(), {reinterpret_cast<const char*>(from.data()), from.size()},
                        offset, path_);
  }

  Status zero(std::uint64_t offset, std::uint64_t bytes) override {
    constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (bytes == 0 || ::fallocate(file_.get(), kMode, static_cast<off_t>(offset),
                                  static_cast<off_t>(bytes)) == 0) {
      return Ok{};
    }
    return posix_error(errno, "punch a hole into", path_);
  }

  // All bytes are there for good before the mark goes: after a crash the file is marked, or whole.
  Status finish(std::uint64_t file_bytes) override {
    if (::ftruncate(file_.get(), static_cast<off_t>(file_bytes)) != 0) {
      return posix_error(errno, "resize", path_);
    }
    if (Status s = sync_file(file_.get(), path_); !s.ok()) return s;
    if (::fremovexattr(file_.get(), kStubAttribute) != 0 && errno != ENODATA) {
      return posix_error(errno, "take the mark from", path_);
    }
    if (::futimens(file_.get(), times_.data()) != 0) {
      return posix_error(errno, "set the times of", path_);
    }
    return sync_file(file_.get(), path_);
  }

 private:
  const Descriptor file_;
  const BytePath path_;
  const std::array<timespec, 2> times_;
};

class PosixTargetVolume final : public TargetVolume {
 public:
  explicit PosixTargetVolume(Descriptor root) : root_(std::move(root)) {}

  HRESULT usable() override {
    struct statvfs about {};
    if (::fstatvfs(root_.get(), &about) != 0) return DDP_E_FILE_SYSTEM_CORRUPT;
    if ((about.f_flag & ST_RDONLY) != 0) return DDP_E_VOLUME_UNSUPPORTED;
    if (!may_read_marks()) return E_ACCESSDENIED;
    std::array<char, 1> none{};
    if (::fgetxattr(root_.get(), kStubAttribute, none.data(), none.size()) < 0 &&
        errno == ENOTSUP) {
      return DDP_E_VOLUME_UNSUPPORTED;
    }
    const BytePath disabled = BytePath(kVolumeFolder) + "/" + kDisabledFileName;
    if (open_beneath(root_.get(), disabled, O_PATH | O_NOFOLLOW).ok()) {
      return DDP_E_VOLUME_DEDUP_DISABLED;
    }
    return S_OK;
  }

  Result<Look> look(std::string_view path) override {
    const auto place = open_beneath(root_.get(), path, O_PATH | O_NOFOLLOW);
    if (!place.ok()) return place.error();
    struct stat about {};
    if (::fstat(place.value().get(), &about) != 0) return posix_error(errno, "examine", path);
    Look found{{about.st_dev, about.st_ino},
               static_cast<std::uint64_t>(about.st_size),
               {about.st_atim, about.st_mtim},
               {}};
    if (!S_ISREG(about.st_mode)) return found;
    const auto file = open_beneath(root_.get(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file.ok()) return file.error();
    std::array<std::byte, kStubBytes + 1> bytes{};  // one that is longer is noticed
    const ssize_t got = ::fgetxattr(file.value().get(), kStubAttribute, bytes.data(), bytes.size());
    if (got < 0 && errno == ENODATA) return found;
    if (got < 0 && errno != ERANGE) return posix_error(errno, "read the mark of", path);
    const auto mark = parse_stub(Bytes(bytes).first(got < 0 ? 0 : static_cast<std::size_t>(got)));
    // What the file system says of itself is told from what the mark says.
    if (!mark.ok()) return Error(Errc::future_version, mark.error().what());
    found.mark = mark.value();
    return found;
  }

  Result<std::unique_ptr<TargetFile>> open(std::string_view path, const Look& seen) override {
    auto file = open_beneath(root_.get(), path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file.ok()) return file.error();
    struct stat about {};
    if (::fstat(file.value().get(), &about) != 0) return posix_error(errno, "examine", path);
    if (seen.identity != std::pair<std::uint64_t, std::uint64_t>(about.st_dev, about.st_ino)) {
      return Error(Errc::in_use, "another file took the place of '" + escape_path(path) + "'");
    }
    return std::unique_ptr<TargetFile>(
        std::make_unique<PosixTargetFile>(std::move(file).value(), BytePath(path), seen.times));
  }

 private:
  const Descriptor root_;
};

}  // namespace

std::unique_ptr<TargetVolume> posix_target_volume(Descriptor root) {
  return std::make_unique<PosixTargetVolume>(std::move(root));
}

}  // namespace stillframe::dedup

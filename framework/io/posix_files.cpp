#include <cerrno>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/files.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {

namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor handle, BytePath path)
      : handle_(std::move(handle)), path_(std::move(path)) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(handle_.get(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", path_);
      if (got == 0) {
        return Error(Errc::truncated, "read '" + escape_path(path_) + "': it ends before byte " +
                                          std::to_string(offset + into.size()));
      }
      done += static_cast<std::size_t>(got);
    }
    return Ok{};
  }

  Status write(std::uint64_t offset, Bytes from) override {
    if (Status s = usable(); !s.ok()) return s;
    return keep_failure(write_all_at(handle_.get(), text_of(from), offset, path_));
  }

  Status sync() override {
    if (Status s = usable(); !s.ok()) return s;
    if (::fdatasync(handle_.get()) == 0) return Ok{};
    return keep_failure(posix_error(errno, "sync", path_));
  }

  // Not told of failures: the next sync is.
  void write_back(std::uint64_t offset, std::uint64_t bytes) noexcept override {
    (void)::sync_file_range(handle_.get(), static_cast<off64_t>(offset),
                            static_cast<off64_t>(bytes), SYNC_FILE_RANGE_WRITE);
  }

  Result<std::uint64_t> size() const override {
    struct stat about {};
    if (::fstat(handle_.get(), &about) != 0) return posix_error(errno, "examine", path_);
    return static_cast<std::uint64_t>(about.st_size);
  }

  Status resize(std::uint64_t bytes) override {
    if (Status s = usable(); !s.ok()) return s;
    if (::ftruncate(handle_.get(), static_cast<off_t>(bytes)) == 0) return Ok{};
    return keep_failure(posix_error(errno, "resize", path_));
  }

  const BytePath& path() const override { return path_; }

 private:
  Status usable() const {
    const std::lock_guard lock(mutex_);
    if (!broken_) return Ok{};
    return Error(Errc::io, "'" + escape_path(path_) +
                               "' takes no more writes since one failed: " + broken_->what());
  }

  Status keep_failure(Status outcome) {
    if (outcome.ok()) return outcome;
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = outcome.error();
    return outcome;
  }

  const Descriptor handle_;
  const BytePath path_;
  mutable std::mutex mutex_;
  std::optional<Error> broken_;
};

class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override {
    return opened(path, access == FileAccess::read ? O_RDONLY : O_RDWR);
  }

  Result<std::unique_ptr<File>> create(const BytePath& path) override {
    return opened(path, O_RDWR | O_CREAT | O_EXCL);
  }

  Status rename(const BytePath& from, const BytePath& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return Ok{};
    return posix_error(errno, "rename to '" + escape_path(to) + "'", from);
  }

  Status remove(const BytePath& path) override {
    if (::unlink(path.c_str()) == 0) return Ok{};
    if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return Ok{};
    return posix_error(errno, "remove", path);
  }

  bool exists(const BytePath& path) override { return stillframe::exists(path); }

  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    auto open = open_directory(directory);
    if (!open.ok()) return open.error();
    return list_names(open.value().get());
  }

  Status make_directory(const BytePath& path) override {
    return make_directories(path, kDirectoryMode);
  }

  Status sync_directory(const BytePath& path) override { return stillframe::sync_directory(path); }

 private:
  static Result<std::unique_ptr<File>> opened(const BytePath& path, int flags) {
    auto handle = open_file(path, flags, kFileMode);
    if (!handle.ok()) return handle.error();
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(handle).value(), path));
  }
};

}  // namespace

std::unique_ptr<Files> posix_files() {
  return std::make_unique<PosixFiles>();
}

}  // namespace stillframe

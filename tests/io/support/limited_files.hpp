// Files on a disk that has room for so many bytes and no more.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "framework/io/files.hpp"

namespace stillframe::tests {

class LimitedFiles final : public Files {
 public:
  // Files of `below` count with their sizes, wherever they are.
  LimitedFiles(Files& below, std::uint64_t bytes_max) : below_(below), bytes_max_(bytes_max) {}

  void set_limit(std::uint64_t bytes_max) {
    const std::lock_guard lock(mutex_);
    bytes_max_ = bytes_max;
  }

  // Whatever there is by now, so many more bytes.
  void set_free(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::uint64_t{1} << 40;  // files from before may go, and are not counted
    bytes_max_ = bytes_ + bytes;
  }

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override;
  Result<std::unique_ptr<File>> create(const BytePath& path) override;
  Status rename(const BytePath& from, const BytePath& to) override {
    return below_.rename(from, to);
  }
  Status remove(const BytePath& path) override;
  bool exists(const BytePath& path) override { return below_.exists(path); }
  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    return below_.list(directory);
  }
  Status make_directory(const BytePath& path) override { return below_.make_directory(path); }
  Status sync_directory(const BytePath& path) override { return below_.sync_directory(path); }

 private:
  class Limited;
  Status take(std::uint64_t bytes, const BytePath& path);

  Files& below_;
  std::mutex mutex_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
};

}  // namespace stillframe::tests

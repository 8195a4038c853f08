// Reads a finished log, or another file, for a backup.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// One thread at a time.
class LogCopy {
 public:
  // `generation` is what the file has by its name; with none it is no log, and not verified.
  static Result<LogCopy> open(Files& files, const BytePath& path,
                              std::optional<Generation> generation);

  std::optional<Generation> generation() const noexcept { return generation_; }
  const BytePath& path() const noexcept { return file_->path(); }
  std::uint64_t bytes() const noexcept { return bytes_; }
  bool complete() const noexcept { return next_ == bytes_; }

  // As much as `into` has room for; 0 at the end. A log is read and verified whole before the first
  // byte of it is given out: log_read_verify_failure.
  Result<std::size_t> read(MutableBytes into);

 private:
  LogCopy(std::unique_ptr<File> file, std::uint64_t bytes, std::optional<Generation> generation)
      : file_(std::move(file)), bytes_(bytes), generation_(generation) {}
  Status load_verified();

  std::unique_ptr<File> file_;
  std::uint64_t bytes_;
  std::optional<Generation> generation_;
  std::vector<std::byte> verified_;  // all of a log
  std::uint64_t next_ = 0;
};

}  // namespace stillframe::ese

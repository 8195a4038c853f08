// Files behind an interface, so that tests can lose, tear and reorder what was not synced. For
// whatever promises that its files survive a crash: the engine under writers/ese, the chunk store.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"

namespace stillframe {

// One open file. Reads and writes may run in any number of threads at once; who writes a range
// while another thread reads it gets either bytes. What was written is durable only after sync().
class File {
 public:
  virtual ~File() = default;

  // All of `into`, or an error; Errc::truncated when the file ends before.
  virtual Status read(std::uint64_t offset, MutableBytes into) const = 0;
  // After the first failed write or sync every later one is refused and names it: what the disk
  // holds is then unknown, and only a new start, which reads it again, can tell.
  virtual Status write(std::uint64_t offset, Bytes from) = 0;
  virtual Status sync() = 0;
  // A hint: what was written there may go to the disk now, so that a later sync() waits for less.
  // Promises nothing.
  virtual void write_back(std::uint64_t, std::uint64_t) noexcept {}
  virtual Result<std::uint64_t> size() const = 0;
  virtual Status resize(std::uint64_t bytes) = 0;  // new bytes are zero

  // For messages.
  virtual const BytePath& path() const = 0;
};

enum class FileAccess { read, write };

// A name that was made, moved or removed stays so after a crash once sync_directory() returned.
class Files {
 public:
  virtual ~Files() = default;

  virtual Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) = 0;
  virtual Result<std::unique_ptr<File>> create(
      const BytePath& path) = 0;                                        // refuses an existing one
  virtual Status rename(const BytePath& from, const BytePath& to) = 0;  // replaces `to`
  virtual Status remove(const BytePath& path) = 0;                      // an empty directory too
  virtual bool exists(const BytePath& path) = 0;
  virtual Result<std::vector<BytePath>> list(const BytePath& directory) = 0;  // sorted names
  virtual Status make_directory(const BytePath& path) = 0;                    // with its parents
  virtual Status sync_directory(const BytePath& path) = 0;
};

// Those of this machine.
std::unique_ptr<Files> posix_files();

}  // namespace stillframe

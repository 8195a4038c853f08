// An exclusive lock that dies with its holder, however the holder dies.
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// An open-file-description lock on a small file that also names its holder. Released by the
// destructor, or by the kernel when the last process that inherited the descriptor ends.
class FileLock {
 public:
  // Never waits: in_progress, naming the holder, when somebody else has it, this process included.
  // `what` is for the message: "the file system 1234-..". The file is created and stays.
  static Result<FileLock> take(const BytePath& path, const std::string& what);

  FileLock(FileLock&&) = default;
  FileLock& operator=(FileLock&&) = default;

  // The locked file itself: pass it on to keep the lock across a fork.
  int descriptor() const noexcept { return file_.get(); }

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

// The lock that every coordinator takes before it works on a file system: DIR/lock/KEY, KEY being
// its UUID or "dev-MAJOR-MINOR". `key` must be one file name.
Result<FileLock> lock_file_system(const BytePath& runtime_directory, const std::string& key);

}  // namespace stillframe

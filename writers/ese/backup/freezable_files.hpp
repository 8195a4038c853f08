// Files whose changes can be held. What they hold then is what a crash at that moment would leave,
// and stays so until they are let go: an instance over them can be copied meanwhile, and recovered
// from the copy.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "framework/io/files.hpp"

namespace stillframe::ese {

// Which changes are under way. Any thread.
class ChangeGate {
 public:
  // Waits while the gate is closed.
  void enter();
  void leave();
  // On return nobody is inside, and nobody enters before open().
  void close();
  void open();
  // How many wait to enter.
  std::size_t waiting() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  std::size_t inside_ = 0, waiting_ = 0;
};

// `under` outlives these. Reads are never held.
class FreezableFiles final : public Files {
 public:
  explicit FreezableFiles(Files& under) : under_(under) {}

  // Waits for changes that are under way; further ones, and syncs, wait until thaw(). Not twice.
  void freeze() { gate_.close(); }
  void thaw() { gate_.open(); }
  // Changes that are held now.
  std::size_t held() const { return gate_.waiting(); }

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override;
  Result<std::unique_ptr<File>> create(const BytePath& path) override;
  Status rename(const BytePath& from, const BytePath& to) override;
  Status remove(const BytePath& path) override;
  bool exists(const BytePath& path) override { return under_.exists(path); }
  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    return under_.list(directory);
  }
  Status make_directory(const BytePath& path) override;
  Status sync_directory(const BytePath& path) override;

 private:
  Files& under_;
  ChangeGate gate_;
};

}  // namespace stillframe::ese

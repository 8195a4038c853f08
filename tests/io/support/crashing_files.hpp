// Files in memory that remember which of their bytes and names would survive a crash. A test lets
// the engine work on them, stops the machine at some operation, and goes on with what a disk might
// then hold: unsynced writes kept, dropped or torn, unsynced names there or not.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "framework/io/files.hpp"

namespace stillframe::tests {

class CrashingFiles final : public Files {
 public:
  CrashingFiles();
  ~CrashingFiles() override;

  // From the `count`th operation that changes something on (writes, resizes, syncs, names; 1 is the
  // next), nothing works any more, as if the power had gone.
  void stop_at(std::uint64_t count);
  // The `count`th sync from now (1 is the next) fails once, and what it should have made durable
  // may be lost although later syncs succeed.
  void fail_sync_at(std::uint64_t count);
  bool stopped() const;
  bool sync_failed() const;          // the one that was to fail has
  std::uint64_t operations() const;  // that changed something, so far

  // What a machine that stopped now might find when it starts again. Sectors of `sector` bytes are
  // written whole or not at all.
  std::unique_ptr<CrashingFiles> after_crash(std::mt19937_64& random, std::size_t sector) const;

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override;
  Result<std::unique_ptr<File>> create(const BytePath& path) override;
  Status rename(const BytePath& from, const BytePath& to) override;
  Status remove(const BytePath& path) override;
  bool exists(const BytePath& path) override;
  Result<std::vector<BytePath>> list(const BytePath& directory) override;
  Status make_directory(const BytePath& path) override;
  Status sync_directory(const BytePath& path) override;

 private:
  class Handle;
  struct Node;  // a file's bytes, as they are and as they are on the disk
  using Names = std::map<BytePath, std::shared_ptr<Node>>;

  // A change of names that no sync_directory() has made durable yet.
  struct NameChange {
    enum class Kind { create, rename, remove } kind;
    BytePath name, to;
    std::shared_ptr<Node> node;  // create
  };

  Status begin_change(const std::string& what);  // counts it; fails when the machine has stopped
  // A folder is what its files' names say.
  static std::vector<BytePath> paths_below(const Names& names, const BytePath& folder);
  static void apply(const NameChange& change, Names& names);

  mutable std::mutex mutex_;
  Names now_, durable_;
  std::vector<NameChange> pending_;
  std::uint64_t operations_ = 0;
  std::uint64_t stop_at_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t fail_sync_in_ = 0;
  bool sync_failed_ = false;
};

}  // namespace stillframe::tests

// Files that are not as they should be for a moment: what is written is there in two steps, with
// time for others between them, and one of them lies when it is read, so many times.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "framework/io/files.hpp"

namespace stillframe::ese::tests {

class RestlessFiles final : public Files {
 public:
  // Reads of whole pages of `liar` may lie.
  RestlessFiles(Files& below, BytePath liar) : below_(below), liar_(std::move(liar)) {}

  std::atomic<int> lies{0};  // that are still to come

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override {
    return wrapped(below_.open(path, access));
  }
  Result<std::unique_ptr<File>> create(const BytePath& path) override {
    return wrapped(below_.create(path));
  }
  Status rename(const BytePath& from, const BytePath& to) override {
    return below_.rename(from, to);
  }
  Status remove(const BytePath& path) override { return below_.remove(path); }
  bool exists(const BytePath& path) override { return below_.exists(path); }
  Result<std::vector<BytePath>> list(const BytePath& path) override { return below_.list(path); }
  Status make_directory(const BytePath& path) override { return below_.make_directory(path); }
  Status sync_directory(const BytePath& path) override { return below_.sync_directory(path); }

 private:
  class Restless final : public File {
   public:
    Restless(RestlessFiles& files, std::unique_ptr<File> below)
        : files_(files), below_(std::move(below)) {}
    Status read(std::uint64_t offset, MutableBytes into) const override {
      Status done = below_->read(offset, into);
      if (into.size() >= 2048 && path() == files_.liar_ && files_.lies > 0) {
        --files_.lies;
        into.back() ^= std::byte{0xFF};
      }
      return done;
    }
    Status write(std::uint64_t offset, Bytes from) override {
      const std::size_t half = from.size() / 2;
      if (Status s = below_->write(offset, from.first(half)); !s.ok()) return s;
      std::this_thread::yield();
      return below_->write(offset + half, from.subspan(half));
    }
    Status sync() override { return below_->sync(); }
    Result<std::uint64_t> size() const override { return below_->size(); }
    Status resize(std::uint64_t bytes) override { return below_->resize(bytes); }
    const BytePath& path() const override { return below_->path(); }

   private:
    RestlessFiles& files_;
    const std::unique_ptr<File> below_;
  };
  Result<std::unique_ptr<File>> wrapped(Result<std::unique_ptr<File>> file) {
    if (!file.ok()) return file;
    return std::unique_ptr<File>(std::make_unique<Restless>(*this, std::move(file).value()));
  }

  Files& below_;
  const BytePath liar_;
};

}  // namespace stillframe::ese::tests

// Files of this machine on which nothing works any more from some change on, as for a process that
// was killed: what was written before stays, synced or not, so a sync is a change and no more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "framework/io/files.hpp"

namespace stillframe::tests {

class StoppingFiles final : public Files {
 public:
  // `changes`: how many there are before everything stops.
  StoppingFiles(Files& below, std::int64_t changes) : below_(below), left_(changes) {}

  bool stopped() const { return stopped_; }
  // Whether the process still lives for another change: for what it changes elsewhere.
  bool change() {
    if (!stopped_ && left_.fetch_sub(1) > 0) return true;
    stopped_ = true;
    return false;
  }

  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override {
    return wrapped(stopped_ ? gone() : below_.open(path, access));
  }
  Result<std::unique_ptr<File>> create(const BytePath& path) override {
    return wrapped(change() ? below_.create(path) : gone());
  }
  Status rename(const BytePath& from, const BytePath& to) override {
    return change() ? below_.rename(from, to) : Status(gone().error());
  }
  Status remove(const BytePath& path) override {
    return change() ? below_.remove(path) : Status(gone().error());
  }
  bool exists(const BytePath& path) override { return below_.exists(path); }
  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    return below_.list(directory);
  }
  Status make_directory(const BytePath& path) override {
    return change() ? below_.make_directory(path) : Status(gone().error());
  }
  Status sync_directory(const BytePath&) override {
    return change() ? Status(Ok{}) : Status(gone().error());
  }

 private:
  class Stopping final : public File {
   public:
    Stopping(StoppingFiles& files, std::unique_ptr<File> below)
        : files_(files), below_(std::move(below)) {}

    Status read(std::uint64_t offset, MutableBytes into) const override {
      return below_->read(offset, into);
    }
    Status write(std::uint64_t offset, Bytes from) override {
      return files_.change() ? below_->write(offset, from) : Status(gone().error());
    }
    Status sync() override { return files_.change() ? Status(Ok{}) : Status(gone().error()); }
    Result<std::uint64_t> size() const override { return below_->size(); }
    Status resize(std::uint64_t bytes) override {
      return files_.change() ? below_->resize(bytes) : Status(gone().error());
    }
    const BytePath& path() const override { return below_->path(); }

   private:
    StoppingFiles& files_;
    const std::unique_ptr<File> below_;
  };

  static Result<std::unique_ptr<File>> gone() { return Error(Errc::io, "the process was killed"); }
  Result<std::unique_ptr<File>> wrapped(Result<std::unique_ptr<File>> file) {
    if (!file.ok()) return file;
    return std::unique_ptr<File>(std::make_unique<Stopping>(*this, std::move(file).value()));
  }

  Files& below_;
  std::atomic<std::int64_t> left_;
  std::atomic<bool> stopped_{false};
};

}  // namespace stillframe::tests

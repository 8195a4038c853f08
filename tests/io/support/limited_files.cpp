#include "tests/io/support/limited_files.hpp"

#include <utility>

namespace stillframe::tests {

class LimitedFiles::Limited final : public File {
 public:
  Limited(LimitedFiles& files, std::unique_ptr<File> below)
      : files_(files), below_(std::move(below)) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    return below_->read(offset, into);
  }
  Status write(std::uint64_t offset, Bytes from) override {
    if (Status s = grow_to(offset + from.size()); !s.ok()) return s;
    return below_->write(offset, from);
  }
  Status sync() override { return below_->sync(); }
  Result<std::uint64_t> size() const override { return below_->size(); }
  Status resize(std::uint64_t bytes) override {
    if (Status s = grow_to(bytes); !s.ok()) return s;
    return below_->resize(bytes);
  }
  const BytePath& path() const override { return below_->path(); }

 private:
  Status grow_to(std::uint64_t bytes) {
    const auto now = below_->size();
    if (!now.ok()) return now.error();
    return bytes <= now.value() ? Ok{} : files_.take(bytes - now.value(), path());
  }

  LimitedFiles& files_;
  const std::unique_ptr<File> below_;
};

Status LimitedFiles::take(std::uint64_t bytes, const BytePath& path) {
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes > bytes_max_) {
    return Error(Errc::no_space, "write '" + path + "': no space left on device");
  }
  bytes_ += bytes;
  return Ok{};
}

Result<std::unique_ptr<File>> LimitedFiles::open(const BytePath& path, FileAccess access) {
  auto file = below_.open(path, access);
  if (!file.ok()) return file;
  return std::unique_ptr<File>(std::make_unique<Limited>(*this, std::move(file).value()));
}

Result<std::unique_ptr<File>> LimitedFiles::create(const BytePath& path) {
  auto file = below_.create(path);
  if (!file.ok()) return file;
  return std::unique_ptr<File>(std::make_unique<Limited>(*this, std::move(file).value()));
}

Status LimitedFiles::remove(const BytePath& path) {
  std::uint64_t bytes = 0;
  if (auto file = below_.open(path, FileAccess::read); file.ok()) {
    const auto size = file.value()->size();
    if (size.ok()) bytes = size.value();
  }
  if (Status s = below_.remove(path); !s.ok()) return s;
  const std::lock_guard lock(mutex_);
  bytes_ -= bytes;
  return Ok{};
}

}  // namespace stillframe::tests

#include "writers/dedup/volume/read_only_lower_file.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace stillframe::dedup {

namespace {

class ReadOnlyLowerFile final : public LowerFile {
 public:
  explicit ReadOnlyLowerFile(std::unique_ptr<LowerFile> file) : file_(std::move(file)) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    if (offset > cut_at_ || into.size() > cut_at_ - offset) {
      return Error(Errc::truncated, "reading past where a file of a snapshot was cut");
    }
    return file_->read(offset, into);
  }
  Status write(std::uint64_t, Bytes) override { return refused(); }
  Result<std::uint64_t> size() const override {
    const auto bytes = file_->size();
    if (!bytes.ok()) return bytes;
    return std::min(bytes.value(), cut_at_);
  }
  Status resize(std::uint64_t bytes) override {
    const auto now = size();
    if (!now.ok()) return now.error();
    if (bytes > now.value()) return refused();
    cut_at_ = bytes;
    return Ok{};
  }
  Status punch(std::uint64_t, std::uint64_t) override { return refused(); }
  Status sync() override { return Ok{}; }
  Result<FileVersion> version() const override {
    auto version = file_->version();
    if (version.ok()) version.value().bytes = std::min(version.value().bytes, cut_at_);
    return version;
  }
  Result<std::optional<Stub>> mark() const override { return file_->mark(); }
  Status set_mark(const std::optional<Stub>&) override { return refused(); }
  std::uint64_t block_bytes() const override { return file_->block_bytes(); }

 private:
  static Error refused() { return {Errc::access_denied, "a file of a snapshot cannot be changed"}; }

  const std::unique_ptr<LowerFile> file_;
  std::uint64_t cut_at_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace

std::unique_ptr<LowerFile> read_only_lower_file(std::unique_ptr<LowerFile> file) {
  return std::make_unique<ReadOnlyLowerFile>(std::move(file));
}

}  // namespace stillframe::dedup

// A file below the view in memory, whose mark is a file of its own beside it. Space that was given
// back reads as something that was never written.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "tests/io/support/crashing_files.hpp"
#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup::tests {

class CrashingLowerFile final : public LowerFile {
 public:
  // Both files are there; an empty mark file is no mark.
  static std::unique_ptr<LowerFile> open(Files& files, const BytePath& path) {
    auto data = files.open(path, FileAccess::write);
    auto mark = files.open(path + ".mark", FileAccess::write);
    if (!data.ok() || !mark.ok()) return nullptr;
    return std::unique_ptr<LowerFile>(
        new CrashingLowerFile(std::move(data).value(), std::move(mark).value()));
  }

  Status read(std::uint64_t offset, MutableBytes into) const override {
    return data_->read(offset, into);
  }
  Status write(std::uint64_t offset, Bytes from) override {
    ++version_;
    return data_->write(offset, from);
  }
  Result<std::uint64_t> size() const override { return data_->size(); }
  Status resize(std::uint64_t bytes) override {
    ++version_;
    return data_->resize(bytes);
  }
  Status punch(std::uint64_t offset, std::uint64_t bytes) override {
    ++version_;
    return data_->write(offset, std::vector<std::byte>(bytes, std::byte{0xEE}));
  }
  // First the data: the mark must not be durable before what it stands for. A real file system
  // makes both durable at once.
  Status sync() override {
    if (Status s = data_->sync(); !s.ok()) return s;
    return mark_->sync();
  }
  Result<FileVersion> version() const override {
    const auto bytes = data_->size();
    if (!bytes.ok()) return bytes.error();
    return FileVersion{version_, version_, bytes.value()};
  }

  Result<std::optional<Stub>> mark() const override {
    const auto bytes = mark_->size();
    if (!bytes.ok()) return bytes.error();
    std::vector<std::byte> value(bytes.value());
    if (Status s = mark_->read(0, value); !s.ok()) return s.error();
    if (value.empty() || value[0] == std::byte{0}) return std::optional<Stub>();
    const auto stub = parse_stub(value);
    if (!stub.ok()) return stub.error();
    return std::optional<Stub>(stub.value());
  }
  // As an attribute: all or nothing. Its first byte tells, which no sector divides.
  Status set_mark(const std::optional<Stub>& mark) override {
    std::array<std::byte, kStubBytes> bytes{};
    if (mark) bytes = format_stub(*mark);
    return mark_->write(0, bytes);
  }

  std::uint64_t block_bytes() const override { return 512; }

 private:
  CrashingLowerFile(std::unique_ptr<File> data, std::unique_ptr<File> mark)
      : data_(std::move(data)), mark_(std::move(mark)) {}

  std::unique_ptr<File> data_, mark_;
  std::int64_t version_ = 1;
};

}  // namespace stillframe::dedup::tests

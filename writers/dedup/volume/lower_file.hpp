// A file of the file system below the view, as the volume uses it.
#pragma once

#include <cstdint>
#include <optional>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup {

// Tells whether a file was touched since: by times and size, which any change moves.
struct FileVersion {
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// Nothing survives a crash for sure before sync(), which covers data, size and mark. One thread at
// a time.
class LowerFile {
 public:
  virtual ~LowerFile() = default;

  virtual Status read(std::uint64_t offset, MutableBytes into) const = 0;  // within its size
  virtual Status write(std::uint64_t offset, Bytes from) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Status resize(std::uint64_t bytes) = 0;
  // Gives the space back. What is read there afterwards, and after a crash, may be anything.
  virtual Status punch(std::uint64_t offset, std::uint64_t bytes) = 0;
  virtual Status sync() = 0;
  virtual Result<FileVersion> version() const = 0;

  virtual Result<std::optional<Stub>> mark() const = 0;
  virtual Status set_mark(const std::optional<Stub>& mark) = 0;

  virtual std::uint64_t block_bytes() const = 0;  // a power of two
};

}  // namespace stillframe::dedup

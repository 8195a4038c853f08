// Where each byte of a deduplicated file comes from. Only this says it: what the file system below
// has in a range proves nothing, because it rounds writes up to blocks and may give back what was
// punched out. Pure: no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace stillframe::dedup {

enum class Source : std::uint8_t {
  zero = 0,   // nowhere: it reads as zeros
  local = 1,  // the file itself
  store = 2,  // the file's stream in the chunk store, at the same offset
};

struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  Source source = Source::zero;
  friend bool operator==(const Extent&, const Extent&) = default;
};

// What has to be done around a write to the file itself, which deals in blocks.
struct BlockWrite {
  std::vector<Extent> fill_first;  // parts of its outer blocks to be written, from where they are
  Extent local;                    // what comes from the file itself afterwards
};

class ExtentMap {
 public:
  ExtentMap() = default;
  ExtentMap(std::uint64_t file_bytes, Source source);

  std::uint64_t file_bytes() const { return file_bytes_; }
  // What lies beyond the new size is forgotten; what comes is zeros.
  void resize(std::uint64_t file_bytes);
  // Within the file.
  void set(std::uint64_t offset, std::uint64_t bytes, Source source);

  // All of the file, or of a range: in order and without gaps, neighbours of different sources.
  std::vector<Extent> extents() const { return extents(0, file_bytes_); }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t bytes) const;
  std::size_t extent_count() const { return starts_.size(); }
  std::uint64_t bytes_from(Source source) const;

  // For a write of `bytes` > 0 within the file, in blocks of `block_bytes`, a power of two.
  BlockWrite plan_write(std::uint64_t offset, std::uint64_t bytes, std::uint64_t block_bytes) const;

  friend bool operator==(const ExtentMap&, const ExtentMap&) = default;

 private:
  void split_at(std::uint64_t offset);

  std::uint64_t file_bytes_ = 0;
  std::map<std::uint64_t, Source> starts_;  // each up to the next one, the last to the file's end
};

}  // namespace stillframe::dedup

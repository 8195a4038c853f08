// Values too long for a record, in a tree of their own. docs/formats/long-values.md has the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "writers/ese/format/record.hpp"
#include "writers/ese/format/schema.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

// A value is at most this long.
inline constexpr std::uint32_t kLongValueBytesMax = 0x7FFFFFFF;

struct LongValueRoot {
  std::uint32_t references = 0;
  std::uint32_t size = 0;
  bool encrypted = false;
};

// The key of a long value's root: 4 or 8 bytes, big-endian.
struct LidKey {
  std::array<std::byte, 8> bytes{};
  std::size_t size = 0;
  Bytes view() const { return Bytes(bytes).first(size); }
};
LidKey key_of(Lid lid);
// What a key in the tree belongs to, and whether it is that of the root. Nothing for keys of odd
// lengths.
struct LongValueKey {
  Lid lid;
  bool root = false;
  std::uint32_t offset = 0;
};
bool decode_long_value_key(const KeyView& key, LongValueKey& to);
Result<LongValueRoot> decode_long_value_root(Bytes data);

// How many bytes of a value one node holds, for tables that do not say so themselves.
std::size_t default_chunk_bytes(std::size_t page_bytes, std::uint32_t update_major);

// Where a row's long values come from.
class LongValueReader {
 public:
  virtual ~LongValueReader() = default;
  // All of a value. database_corrupted when parts are missing.
  virtual Result<std::vector<std::byte>> read(Lid lid) const = 0;
};

// Appends to `to` the chunk of `lid` that shall be `expected` bytes: a shorter one is compressed,
// nothing else says so. database_corrupted or decompression_failed for anything else.
Status append_long_value_chunk(Lid lid, Bytes data, std::size_t expected,
                               std::vector<std::byte>& to);

class LongValues final : public LongValueReader {
 public:
  LongValues(const PageSource& source, const Table& table) : source_(source), table_(table) {}

  // Bounded by the value's size, which is bounded by what the file can hold.
  Result<std::vector<std::byte>> read(Lid lid) const override;

 private:
  const PageSource& source_;
  const Table& table_;
};

}  // namespace stillframe::ese

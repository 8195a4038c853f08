#include "writers/ese/format/long_values.hpp"

#include <algorithm>
#include <string>

#include "writers/ese/format/compression.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kRootBytes = 8;
constexpr std::uint8_t kEncryptedChunk = 1;
constexpr std::size_t kNarrow = 4, kWide = 8, kOffset = 4;
constexpr std::uint32_t kNewChunksFrom = 0x11;
// 7-bit and XPRESS cannot make more than this of a byte; larger promises are lies.
constexpr std::uint64_t kExpansionMax = 65536;

Error broken(Lid lid, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "long value " + std::to_string(lid.value) + " " + why);
}

}  // namespace

LidKey key_of(Lid lid) {
  LidKey key;
  key.size = lid.wide ? kWide : kNarrow;
  if (lid.wide) {
    store_be(key.bytes.data(), lid.value);
  } else {
    store_be(key.bytes.data(), static_cast<std::uint32_t>(lid.value));
  }
  return key;
}

bool decode_long_value_key(const KeyView& key, LongValueKey& to) {
  std::byte bytes[kWide + kOffset];
  if (key.size() != kNarrow && key.size() != kWide && key.size() != kWide + kOffset) return false;
  key.copy_to(bytes);
  // A wide name has its top bit set, which no narrow one has.
  to.lid.wide = key.size() >= kWide && (bytes[0] & std::byte{0x80}) != std::byte{0};
  const std::size_t name = to.lid.wide ? kWide : kNarrow;
  to.root = key.size() == name;
  if (!to.root && key.size() != name + kOffset) return false;
  to.lid.value = to.lid.wide ? load_be<std::uint64_t>(bytes) : load_be<std::uint32_t>(bytes);
  to.offset = to.root ? 0 : load_be<std::uint32_t>(bytes + name);
  return true;
}

Result<LongValueRoot> decode_long_value_root(Bytes data) {
  if (data.size() != kRootBytes && data.size() != kRootBytes + 1) {
    return ese_error(EseErr::database_corrupted, "the root of a long value has an odd length");
  }
  LongValueRoot root;
  root.references = load_le<std::uint32_t>(data.data());
  root.size = load_le<std::uint32_t>(data.data() + 4);
  root.encrypted = data.size() > kRootBytes &&
                   (std::to_integer<std::uint8_t>(data[kRootBytes]) & kEncryptedChunk) != 0;
  return root;
}

std::size_t default_chunk_bytes(std::size_t page_bytes, std::uint32_t update_major) {
  if (update_major < kNewChunksFrom) return 4035;
  return page_bytes - (page_bytes > 8192 ? 122 : 82);
}

Status append_long_value_chunk(Lid lid, Bytes data, std::size_t expected,
                               std::vector<std::byte>& to) {
  if (data.size() == expected) {
    to.insert(to.end(), data.begin(), data.end());
    return Ok{};
  }
  if (data.size() > expected) return broken(lid, "has a chunk that is too long");
  Result<std::vector<std::byte>> plain = decompress(data);
  if (!plain.ok()) return plain.error().while_doing("long value " + std::to_string(lid.value));
  if (plain.value().size() != expected) return broken(lid, "has a chunk of another length");
  to.insert(to.end(), plain.value().begin(), plain.value().end());
  return Ok{};
}

Result<std::vector<std::byte>> LongValues::read(Lid lid) const {
  if (table_.long_values_root == Pgno::null) return broken(lid, "belongs to a table without any");
  TreeCursor cursor(source_, table_.long_values_root, table_.long_values_objid);
  const LidKey key = key_of(lid);
  if (Status found = cursor.seek({{}, key.view()}); !found.ok()) return found.error();
  LongValueKey at;
  if (cursor.at_end() || !decode_long_value_key(cursor.node().key, at) || !at.root ||
      at.lid != lid) {
    return broken(lid, "is missing");
  }
  Result<LongValueRoot> root = decode_long_value_root(cursor.node().data);
  if (!root.ok()) return root.error();
  if (root.value().encrypted) return broken(lid, "is encrypted by its application");
  const std::uint64_t file = static_cast<std::uint64_t>(source_.last_page()) * source_.page_bytes();
  if (root.value().size > std::min<std::uint64_t>(kLongValueBytesMax, file * kExpansionMax)) {
    return broken(lid, "promises more than the file could hold");
  }

  std::vector<std::byte> value;
  while (value.size() < root.value().size) {
    if (Status moved = cursor.next(); !moved.ok()) return moved.error();
    if (cursor.at_end() || !decode_long_value_key(cursor.node().key, at) || at.root ||
        at.lid != lid || at.offset != value.size()) {
      return broken(lid, "lacks the chunk at " + std::to_string(value.size()));
    }
    const std::size_t left = root.value().size - value.size();
    const std::size_t expected = std::min<std::size_t>(left, table_.chunk_bytes);
    if (Status added = append_long_value_chunk(lid, cursor.node().data, expected, value);
        !added.ok()) {
      return added.error();
    }
  }
  return value;
}

}  // namespace stillframe::ese

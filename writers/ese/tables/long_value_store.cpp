#include "writers/ese/tables/long_value_store.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

using Blob = std::vector<std::byte>;

Blob root_key(Lid lid) {
  const LidKey key = key_of(lid);
  return {key.view().begin(), key.view().end()};
}

Blob chunk_key(Lid lid, std::uint32_t offset) {
  Blob key = root_key(lid);
  key.resize(key.size() + sizeof offset);
  store_be(key.data() + key.size() - sizeof offset, offset);
  return key;
}

Error broken(Lid lid, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "long value " + std::to_string(lid.value) + " " + why);
}

}  // namespace

Result<BTree*> LongValueStore::tree() const {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  BTree* found = table_.long_values(*definition.value());
  if (found == nullptr) {
    return ese_error(EseErr::database_corrupted, "table '" + definition.value()->name +
                                                     "' has no long values, but a row names one");
  }
  return found;
}

Result<LongValueRoot> LongValueStore::root_of(Lid lid) const {
  auto values = tree();
  if (!values.ok()) return values.error();
  const Blob key = root_key(lid);
  BTreeReader reader(*values.value(), transaction_.state());
  if (Status s = reader.seek({key, {}}); !s.ok()) return s.error();
  if (reader.at_end() || compare_bytes(reader.key(), key) != 0) return broken(lid, "is missing");
  return decode_long_value_root(reader.data());
}

Result<bool> LongValueStore::is_own(Lid lid) const {
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  return root.value().references == 1;
}

Result<std::uint32_t> LongValueStore::size(Lid lid) const {
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  return root.value().size;
}

Result<Blob> LongValueStore::read(Lid lid) const {
  auto values = tree();
  if (!values.ok()) return values.error();
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  if (root.value().encrypted) return broken(lid, "is encrypted by its application");
  BTreeReader reader(*values.value(), transaction_.state());
  const std::size_t size = root.value().size, chunk_most = chunk_bytes();
  Blob value;
  Status moved = size == 0 ? Status(Ok{}) : reader.seek({chunk_key(lid, 0), {}});
  while (moved.ok() && value.size() < size) {
    const Blob key = chunk_key(lid, static_cast<std::uint32_t>(value.size()));
    if (reader.at_end() || compare_bytes(reader.key(), key) != 0) {
      return broken(lid, "lacks the chunk at " + std::to_string(value.size()));
    }
    const std::size_t expected = std::min(chunk_most, size - value.size());
    Status added = append_long_value_chunk(lid, reader.data(), expected, value);
    if (!added.ok()) return added.error();
    moved = reader.next();
  }
  if (!moved.ok()) return moved.error();
  return value;
}

Result<Blob> LongValueStore::chunk(Lid lid, std::uint32_t offset, std::size_t expected) const {
  auto values = tree();
  if (!values.ok()) return values.error();
  const Blob key = chunk_key(lid, offset);
  BTreeReader reader(*values.value(), transaction_.state());
  if (Status s = reader.seek({key, {}}); !s.ok()) return s.error();
  if (reader.at_end() || compare_bytes(reader.key(), key) != 0) {
    return broken(lid, "lacks the chunk at " + std::to_string(offset));
  }
  Blob plain;
  Status added = append_long_value_chunk(lid, reader.data(), expected, plain);
  if (!added.ok()) return added.error();
  return plain;
}

Status LongValueStore::put_root(Lid lid, const LongValueRoot& root, bool is_new) {
  auto values = tree();
  if (!values.ok()) return values.error();
  Blob data(2 * sizeof(std::uint32_t));
  store_le(data.data(), root.references);
  store_le(data.data() + sizeof(std::uint32_t), root.size);
  const Blob key = root_key(lid);
  return is_new ? values.value()->insert(transaction_, key, data)
                : values.value()->replace(transaction_, key, data);
}

Status LongValueStore::put_chunk(Lid lid, std::uint32_t offset, Bytes plain, Packing packing,
                                 bool is_new) {
  auto values = tree();
  if (!values.ok()) return values.error();
  Blob packed;
  if (packing != Packing::plain) packed = compress(plain, packing == Packing::compressed_unicode);
  const Bytes data = packed.empty() ? plain : Bytes(packed);
  const Blob key = chunk_key(lid, offset);
  return is_new ? values.value()->insert(transaction_, key, data)
                : values.value()->replace(transaction_, key, data);
}

Result<Lid> LongValueStore::create(Bytes value, Packing packing) {
  auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  if (definition.value()->long_values_root == Pgno::null) {
    Status made = table_.definitions().make_long_values(transaction_, table_);
    if (!made.ok()) return made.error();
    definition = table_.definition(transaction_);
    if (!definition.ok()) return definition.error();
  }
  const auto number = table_.next_long_value(*definition.value());
  if (!number.ok()) return number.error();
  const Lid lid{number.value(), false};
  const LongValueRoot root{1, static_cast<std::uint32_t>(value.size()), false};
  if (Status s = put_root(lid, root, true); !s.ok()) return s.error();
  const std::size_t most = chunk_bytes();
  for (std::size_t at = 0; at < value.size(); at += most) {
    Status put = put_chunk(lid, static_cast<std::uint32_t>(at),
                           value.subspan(at, std::min(most, value.size() - at)), packing, true);
    if (!put.ok()) return put.error();
  }
  return lid;
}

// A reference less is a replaced root, not a delta: whoever takes the last one has to know it.
Status LongValueStore::release(Lid lid) {
  auto values = tree();
  if (!values.ok()) return values.error();
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  if (root.value().references > 1) {
    return put_root(lid, {root.value().references - 1, root.value().size, false}, false);
  }
  const std::size_t most = chunk_bytes();
  for (std::size_t at = 0; at < root.value().size; at += most) {
    const Blob key = chunk_key(lid, static_cast<std::uint32_t>(at));
    if (Status s = values.value()->remove(transaction_, {key, {}}); !s.ok()) return s;
  }
  return values.value()->remove(transaction_, {root_key(lid), {}});
}

Status LongValueStore::write(Lid lid, std::uint32_t offset, Bytes bytes, Packing packing) {
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  const std::uint64_t size = root.value().size, end = std::uint64_t{offset} + bytes.size();
  const std::uint64_t after = std::max(size, end), most = chunk_bytes();
  if (after > kLongValueBytesMax) {
    return ese_error(EseErr::column_too_big, "a long value has at most 2 GiB");
  }
  if (after > size) {
    const auto grown = static_cast<std::uint32_t>(after);
    if (Status s = put_root(lid, {1, grown, false}, false); !s.ok()) return s;
  }
  // From the chunk that changes first to the end of what is written.
  for (std::uint64_t at = std::min<std::uint64_t>(offset, size) / most * most; at < end;
       at += most) {
    const auto place = static_cast<std::uint32_t>(at);
    Blob plain;
    if (at < size) {
      auto old = chunk(lid, place, static_cast<std::size_t>(std::min(most, size - at)));
      if (!old.ok()) return old.error();
      plain = std::move(old).value();
    }
    plain.resize(static_cast<std::size_t>(std::min(most, after - at)));
    const std::uint64_t from = std::max<std::uint64_t>(at, offset);
    const std::uint64_t to = std::min(at + plain.size(), end);
    if (from < to) {
      std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(from - offset),
                bytes.begin() + static_cast<std::ptrdiff_t>(to - offset),
                plain.begin() + static_cast<std::ptrdiff_t>(from - at));
    }
    if (Status s = put_chunk(lid, place, plain, packing, at >= size); !s.ok()) return s;
  }
  return Ok{};
}

Status LongValueStore::truncate(Lid lid, std::uint32_t size, Packing packing) {
  auto values = tree();
  if (!values.ok()) return values.error();
  const auto root = root_of(lid);
  if (!root.ok()) return root.error();
  const std::uint32_t before = root.value().size, most = chunk_bytes();
  if (size >= before) return Ok{};
  const std::uint32_t last = size / most * most;
  for (std::uint64_t at = last; at < before; at += most) {
    const auto place = static_cast<std::uint32_t>(at);
    if (at == last && size > last) {
      auto old = chunk(lid, place, std::min(most, before - last));
      if (!old.ok()) return old.error();
      const Bytes kept = Bytes(old.value()).first(size - last);
      if (Status s = put_chunk(lid, place, kept, packing, false); !s.ok()) return s;
      continue;
    }
    Status removed = values.value()->remove(transaction_, {chunk_key(lid, place), {}});
    if (!removed.ok()) return removed;
  }
  return put_root(lid, {1, size, false}, false);
}

}  // namespace stillframe::ese

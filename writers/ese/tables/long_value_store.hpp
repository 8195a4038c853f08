// The long values of one table as one transaction sees and changes them.
// docs/formats/long-values.md has the bytes.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/open_transaction.hpp"
#include "writers/ese/format/long_values.hpp"
#include "writers/ese/tables/table_object.hpp"

namespace stillframe::ese {

enum class Packing { plain, compressed, compressed_unicode };

// One thread at a time.
class LongValueStore final : public LongValueReader {
 public:
  LongValueStore(TableObject& table, OpenTransaction& transaction)
      : table_(table), transaction_(transaction) {}

  Result<std::vector<std::byte>> read(Lid lid) const override;
  // A new value, with one reference.
  Result<Lid> create(Bytes value, Packing packing);
  // One reference less; the value goes with the last one.
  Status release(Lid lid);

  Result<std::uint32_t> size(Lid lid) const;
  // Whether the value can be changed in place: nobody else refers to it.
  Result<bool> is_own(Lid lid) const;
  // Changes a part of the value, which is_own(). Bytes between its end and `offset` become zeros.
  Status write(Lid lid, std::uint32_t offset, Bytes bytes, Packing packing);
  Status truncate(Lid lid, std::uint32_t size, Packing packing);

 private:
  Result<BTree*> tree() const;
  Result<LongValueRoot> root_of(Lid lid) const;
  Result<std::vector<std::byte>> chunk(Lid lid, std::uint32_t offset, std::size_t expected) const;
  Status put_root(Lid lid, const LongValueRoot& root, bool is_new);
  Status put_chunk(Lid lid, std::uint32_t offset, Bytes plain, Packing packing, bool is_new);
  std::uint32_t chunk_bytes() const { return table_.last_definition()->chunk_bytes; }

  TableObject& table_;
  OpenTransaction& transaction_;
};

}  // namespace stillframe::ese

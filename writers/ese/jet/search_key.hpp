// The key that a caller makes, column by column, to search with.
#pragma once

#include <cstddef>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/format/key.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese::jet {

class SearchKey {
 public:
  // The next column's value, or with options the end of the key. KeyNotMade, KeyIsMade,
  // InvalidBufferSize, InvalidGrbit.
  Status add(const Table& table, const Index& index, Bytes data, JET_GRBIT grbit);
  void clear();

  bool made() const { return made_; }
  const Key& bytes() const { return key_; }

 private:
  Status add_value(const Table& table, const Index& index, Bytes data, JET_GRBIT grbit);

  Key key_;
  std::size_t columns_ = 0;
  bool made_ = false, complete_ = false;
};

}  // namespace stillframe::ese::jet

// Walks the nodes of a tree as one transaction sees them, forwards and backwards.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree.hpp"

namespace stillframe::ese {

// Holds no latch between calls, and copies the node it stands on: others may change the tree
// meanwhile, and it goes on from where it was. One thread at a time.
class BTreeReader {
 public:
  // Both outlive it.
  BTreeReader(const BTree& tree, const TransactionState& reader) : tree_(tree), reader_(reader) {}

  Status first();
  Status last();
  // To the first node that is not below `node`.
  Status seek(const BookmarkView& node);
  // From where it stands; at_end() when there is no further one.
  Status next();
  Status previous();

  bool at_end() const noexcept { return !here_; }
  Bytes key() const { return key_; }
  Bytes data() const { return data_; }

 private:
  // Where the node was when it was looked at. The page is as it was if its dbtime is.
  struct Place {
    Pgno pgno{};
    Dbtime dbtime{};
    std::size_t line = 0;
  };

  bool look_at(const PageView& page, std::size_t line);
  void stand_on(const PageRef& leaf, std::size_t line);
  Status forward_from(Result<PageRef> leaf, std::size_t line);
  Status backward_from(Result<PageRef> leaf, std::size_t end);

  const BTree& tree_;
  const TransactionState& reader_;
  std::optional<Place> here_;
  std::vector<std::byte> key_, data_;
  std::vector<std::byte> name_data_;  // the node's own data, where it is part of its name
};

}  // namespace stillframe::ese

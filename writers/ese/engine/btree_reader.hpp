// Walks the nodes of a tree as one transaction sees them, forwards and backwards.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree.hpp"

namespace stillframe::ese {

// Holds no latch between calls, and copies what it stands on: others may change the tree meanwhile,
// and it goes on from where it was. One thread at a time, that of the transaction.
//
// Who walks on reads a copy of the leaf. What a transaction sees changes only by what it does
// itself, and of that it keeps count; so nodes without versions are read from the copy as long as
// it has not changed the tree.
class BTreeReader {
 public:
  // Both outlive it.
  BTreeReader(const BTree& tree, const TransactionState& reader) : tree_(tree), reader_(reader) {}
  BTreeReader(const BTreeReader&) = delete;
  BTreeReader& operator=(const BTreeReader&) = delete;

  Status first();
  Status last();
  // To the first node that is not below `node`.
  Status seek(const BookmarkView& node);
  // From where it stands; at_end() when there is no further one.
  Status next();
  Status previous();

  // What it stands on, until it moves.
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
  // A leaf as it was when `own_changes` was the transaction's count.
  struct LeafCopy {
    std::vector<std::byte> bytes;
    Pgno pgno = Pgno::null;  // null: nothing
    std::uint32_t own_changes = 0;
    bool marks_count = true;  // some of its nodes may have versions
  };

  bool look_at(const PageView& page, std::size_t line);
  bool show_version(const NodeView& node);
  void stand_on(PageRef& leaf, std::size_t line);
  void copy_leaf(PageRef& leaf);
  bool copy_is_of(const Place& place) const;
  // To the next node on the copy, or to the one before; false if the copy cannot tell which it is.
  enum class Way { forwards, backwards };
  bool step_on_copy(Way way);
  void stand_on_copy(const NodeView& node, std::size_t line);
  Bookmark here_by_name() const;
  Status forward_from(Result<PageRef> leaf, std::size_t line);
  Status backward_from(Result<PageRef> leaf, std::size_t end);

  const BTree& tree_;
  const TransactionState& reader_;
  std::optional<Place> here_;
  Bytes key_, data_;  // in one of those below
  std::vector<std::byte> own_key_, own_data_;
  std::vector<std::byte> name_data_;  // the node's own data, where it is part of its name
  LeafCopy copy_;
  unsigned walked_ = 0;  // steps since it was put somewhere
};

}  // namespace stillframe::ese

// A B+ tree of a database that is in use: any number of threads read and change it. Every change
// is logged and then applied by page_apply.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/borrowed.hpp"
#include "writers/ese/engine/node_name.hpp"
#include "writers/ese/engine/open_database.hpp"
#include "writers/ese/engine/open_transaction.hpp"
#include "writers/ese/engine/page_split.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/record_types.hpp"

namespace stillframe::ese {

class LoggedChange;

// Where a tree gets pages from and gives them back to. Called without a latch held.
class PagePool {
 public:
  virtual ~PagePool() = default;
  virtual Result<Pgno> take(OpenTransaction& transaction) = 0;
  virtual Status give_back(OpenTransaction& transaction, Pgno pgno) = 0;
};

struct TreeId {
  Pgno root{};
  Objid objid{};
  bool unique = true;  // by key alone; otherwise key and data together name a node
  bool space = false;  // a tree of extents: its changes have no versions and are never undone
};

class BTree {
 public:
  BTree(OpenDatabase& database, const TreeId& id, PagePool& pool);

  const TreeId& id() const noexcept { return id_; }
  OpenDatabase& database() const noexcept { return database_; }

  // Changes under a transaction, with versions. WriteConflict if another one has changed the node
  // that the transaction does not see, VersionStoreOutOfMemory, RecordTooBig, what the log says;
  // nothing is changed then.
  //
  // KeyDuplicate if there is such a node.
  Status insert(OpenTransaction& transaction, Bytes key, Bytes data);
  // RecordNotFound if there is none, of these three. Of unique trees only.
  Status replace(OpenTransaction& transaction, Bytes key, Bytes data);
  Status remove(OpenTransaction& transaction, const BookmarkView& node);
  // Adds to the integer of 4 or 8 bytes at `offset`; several transactions may do so at a time. Of
  // unique trees only.
  Status add(OpenTransaction& transaction, Bytes key, std::uint16_t offset, std::int64_t delta,
             std::uint8_t width = 4);

  // Without a version: into a tree that is gone as a whole if the transaction does not commit, and
  // that nobody else sees before. KeyDuplicate if there is such a node.
  Status load(OpenTransaction& transaction, Bytes key, Bytes data);

  // Changes that are final at once, of trees of extents.
  Status put(OpenTransaction& transaction, Bytes key, Bytes data);
  Status erase(OpenTransaction& transaction, Bytes key);

  // Takes back the change that made `version`; for OpenTransaction.
  Status undo(const Author& author, const BookmarkView& node, Rceid version);
  // Removes a deleted node for good if no version of it is left, and its page with it if that has
  // no other.
  Status clean_up(OpenTransaction& transaction, const BookmarkView& node);
  // The same by key and data in one run, as the version store knows nodes.
  Status clean_up_joined(OpenTransaction& transaction, Bytes joined);
  // Nodes of a leaf whose versions have all gone lose their mark of having some, so that nobody
  // looks for these any more. Nothing if somebody else reads the leaf.
  void drop_spent_marks(PageRef& leaf) const;
  // WriteConflict if any node has a change that the transaction does not see.
  Status check_all_seen(const OpenTransaction& transaction) const;

  // The leaf where a node of this name is or would be; without a name the first one, or the last.
  enum class End { first, last };
  Result<PageRef> fix_leaf(const BookmarkView& node, LatchMode mode) const;
  Result<PageRef> fix_leaf(End end, LatchMode mode) const;
  // A page that another one of the tree points to: bad_page_link if it is none of this tree.
  Result<PageRef> fix_linked(Pgno pgno, LatchMode mode) const;

 private:
  // What is to become of one node of a leaf.
  struct NodeOperation {
    RecordType type = RecordType::insert;
    std::size_t line = 0;
    LooseNode node;                   // as it shall be
    std::vector<std::byte> old_data;  // of one that is replaced
    std::int64_t delta = 0;
    std::uint16_t offset = 0;
    std::vector<Change> versions;  // in the order in which they are made
  };
  // Looks at the latched leaf; nothing for no change.
  using Prepare = Borrowed<Result<std::optional<NodeOperation>>(const PageView& leaf)>;
  using Descend = Borrowed<std::size_t(const PageView& page)>;

  Result<PageRef> descend(const Descend& choose, LatchMode leaf_mode) const;
  static std::size_t line_of_child(const PageView& page, Pgno child);
  Result<NodeOperation> found_operation(const PageView& leaf, const BookmarkView& node,
                                        VersionOper oper, const OpenTransaction& transaction) const;
  Result<std::optional<NodeOperation>> insert_operation(const PageView& leaf, Bytes key, Bytes data,
                                                        const OpenTransaction& transaction) const;
  NodeName name_of(Bytes joined) const { return {database_.id, id_.objid, joined}; }
  std::uint8_t record_flags(bool versioned) const;

  Status change(OpenTransaction& transaction, const BookmarkView& node, const Prepare& prepare);
  bool has_room(const PageView& leaf, const NodeOperation& operation) const;
  std::vector<std::size_t> kept_for_undo(const PageView& leaf) const;
  Status apply(OpenTransaction& transaction, PageRef& leaf, const NodeOperation& operation);

  // The versions of an operation, which go again unless keep() is called.
  class NotedVersions;
  std::vector<std::byte> record_of(const NodeOperation& operation, const PageRecordHeader& header,
                                   std::span<const Rceid> versions, Bytes prefix) const;

  // One level of a split, the leaf's first.
  struct LevelSplit {
    std::size_t depth = 0;
    SplitPlan plan;
    std::vector<std::size_t> kept;  // per line after the operation
  };
  Status change_by_splitting(OpenTransaction& transaction, const BookmarkView& node,
                             const Prepare& prepare);
  // How many pages the next try needs; 0 when the change is made.
  Result<std::size_t> try_splitting(OpenTransaction& transaction, const BookmarkView& node,
                                    const Prepare& prepare, std::vector<Pgno>& spare);
  Result<std::vector<PageRef>> fix_path(const KeyView& key) const;
  Result<std::vector<LevelSplit>> plan_levels(const std::vector<PageRef>& path,
                                              const NodeOperation& operation) const;
  Status split_root(OpenTransaction& transaction, PageRef& root, Pgno new_page);
  struct Beside;
  Result<Beside> fix_beside(const PageRef& leaf, std::size_t levels,
                            const std::vector<Pgno>& spare) const;
  SplitRecord2 split_record(const PageRecordHeader& header) const;
  std::vector<std::byte> level_record(const LoggedChange& change, const std::vector<PageRef>& path,
                                      const LevelSplit& level, const NewNode& wanted,
                                      const Beside& beside, Pgno new_page) const;
  Status split_levels(OpenTransaction& transaction, std::vector<PageRef>& path,
                      const std::vector<LevelSplit>& levels, const NodeOperation& operation,
                      std::vector<Pgno>& spare);

  Status merge_empty_leaf(OpenTransaction& transaction, const BookmarkView& node);
  // The pages from the root down to the one above the leaf for `key`.
  struct Above;
  Result<Above> fix_above(const KeyView& key) const;
  struct Siblings;
  Result<Siblings> fix_siblings(Pgno leaf) const;
  MergeRecord2 merge_record(const PageRecordHeader& header) const;
  Result<std::vector<Pgno>> try_merging(OpenTransaction& transaction, const KeyView& key);

  OpenDatabase& database_;
  const TreeId id_;
  PagePool& pool_;
};

}  // namespace stillframe::ese

// Which pages a tree owns and which of them are free, kept as the format has it: a few pages as
// bits in the root's header, more in two trees of extents. docs/formats/space.md has the bytes.
//
// What is taken or given back is final at once: a transaction that is rolled back leaves the pages
// where they are, and a crash between two steps loses pages, never gives one out twice.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/split_buffer.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese {

// Any thread. A child asks its parent while its own mutex is held, never the other way round.
class TreeSpace final : public PagePool {
 public:
  const TreeId& id() const noexcept { return tree_; }

  // Of the database itself, without a parent, or of a tree whose pages come from `parent`.
  TreeSpace(OpenDatabase& database, const TreeId& tree, TreeSpace* parent)
      : database_(database), tree_(tree), parent_(parent) {}

  // The root of an empty database: object 1 at page 1, which owns pages 1 to `pages`.
  static Status create_root(OpenDatabase& database, OpenTransaction& transaction,
                            std::uint32_t pages);
  // A tree with a first extent of 1 to 32 pages; `page_flags` say of what kind it is.
  Result<TreeId> create_tree(OpenTransaction& transaction, Objid objid, std::uint32_t pages,
                             std::uint32_t page_flags);
  // A tree that has trees of extents from the start, and no limit of its first extent: 3 pages at
  // least.
  Result<TreeId> create_tree_with_space(OpenTransaction& transaction, Objid objid,
                                        std::uint32_t pages, std::uint32_t page_flags);
  // Gives all that `tree` owns back to this, its parent. Nobody uses the tree or will any more.
  Status free_tree(OpenTransaction& transaction, TreeSpace& tree);

  // The end of the last extent that the database itself has.
  Result<Pgno> last_owned();

  Result<Pgno> take(OpenTransaction& transaction) override;
  Status give_back(OpenTransaction& transaction, Pgno pgno) override;
  // A run of `pages` pages.
  Result<Extent> take_extent(OpenTransaction& transaction, std::uint32_t pages);
  Status give_back_extent(OpenTransaction& transaction, const Extent& extent);

 private:
  struct Trees {
    Trees(OpenDatabase& database, Objid objid, Pgno owned_root);
    SplitBuffer owned_buffer, available_buffer;
    BTree owned, available;
  };

  static Status create_multiple(OpenDatabase& database, OpenTransaction& transaction, Objid objid,
                                const Extent& extent, Pgno parent, std::uint32_t page_flags);
  Result<std::vector<Extent>> owned_extents();
  // Loads trees_ if the tree has several extents.
  Status load();
  Result<std::optional<Pgno>> take_from_bits(OpenTransaction& transaction);
  Status free_in_bits(OpenTransaction& transaction, Pgno pgno);
  Status convert(OpenTransaction& transaction);
  Result<Extent> take_from_trees(OpenTransaction& transaction, std::uint32_t pages);
  Result<std::optional<Extent>> take_available(OpenTransaction& transaction, std::uint32_t pages);
  Status shorten(OpenTransaction& transaction, const Extent& available, std::uint32_t by);
  Status grow(OpenTransaction& transaction, std::uint32_t pages);
  Result<Pgno> last_noted();
  Result<Extent> extend_file(OpenTransaction& transaction, std::uint32_t pages);
  Status free_extent(OpenTransaction& transaction, Extent extent);
  Status set_header(OpenTransaction& transaction, PageRef& root, const SpaceHeader& header);

  OpenDatabase& database_;
  const TreeId tree_;
  TreeSpace* const parent_;
  std::mutex mutex_;
  bool loaded_ = false;
  std::unique_ptr<Trees> trees_;  // none for a tree of one extent
};

}  // namespace stillframe::ese

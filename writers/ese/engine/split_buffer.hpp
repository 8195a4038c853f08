// The pages with which a tree of extents can split although it is the one that says which pages are
// free.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese {

// Kept in the header of the tree's root. Under the mutex of its TreeSpace.
class SplitBuffer final : public PagePool {
 public:
  SplitBuffer(OpenDatabase& database, Pgno root, Objid objid)
      : database_(database), root_(root), objid_(objid) {}

  Result<Pgno> take(OpenTransaction& transaction) override;
  Status give_back(OpenTransaction& transaction, Pgno pgno) override;

  // How many more pages it should have so that one change of its tree can always be made.
  Result<std::uint32_t> lacking() const;
  Status put(OpenTransaction& transaction, const Extent& extent);

 private:
  Result<PageRef> fix_root(LatchMode mode) const;
  Status write(OpenTransaction& transaction, PageRef& root, const std::vector<Extent>& extents);

  OpenDatabase& database_;
  const Pgno root_;
  const Objid objid_;
  std::vector<Pgno> loose_;  // given back without a place in the header; lost when this goes
};

}  // namespace stillframe::ese

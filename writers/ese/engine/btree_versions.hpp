// The versions that one change of a node makes. For btree*.cpp alone.
#pragma once

#include <vector>

#include "writers/ese/engine/btree.hpp"

namespace stillframe::ese {

// Noted before the change is logged, since its record names them, with the leaf latched; gone again
// unless the change was made.
class BTree::NotedVersions {
 public:
  NotedVersions(BTree& tree, OpenTransaction& transaction)
      : tree_(tree), transaction_(transaction) {}
  NotedVersions(const NotedVersions&) = delete;
  NotedVersions& operator=(const NotedVersions&) = delete;

  ~NotedVersions() {
    if (kept_) return;
    const std::vector<std::byte> joined = bookmark_.joined();
    for (std::size_t i = numbers_.size(); i-- > 0;) {
      tree_.database_.versions.forget(tree_.name_of(joined), numbers_[i]);
      transaction_.forget_last();
    }
  }

  Status add(const LooseNode& node, const std::vector<Change>& changes) {
    bookmark_.key = node.key;
    if (!tree_.id_.unique) bookmark_.data = node.data;
    const std::vector<std::byte> joined = bookmark_.joined();
    for (const Change& change : changes) {
      auto added =
          tree_.database_.versions.add(tree_.name_of(joined), change, transaction_.shared_state());
      if (!added.ok()) return added.error();
      numbers_.push_back(added.value());
      transaction_.note(tree_, bookmark_, added.value());
    }
    return Ok{};
  }

  const std::vector<Rceid>& numbers() const noexcept { return numbers_; }
  void keep() noexcept { kept_ = true; }

 private:
  BTree& tree_;
  OpenTransaction& transaction_;
  Bookmark bookmark_;
  std::vector<Rceid> numbers_;
  bool kept_ = false;
};

}  // namespace stillframe::ese

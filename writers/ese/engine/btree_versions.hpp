// The versions that one change of a node makes. For btree*.cpp alone.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "framework/base/check.hpp"
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
    if (kept_ || count_ == 0) return;
    const JoinedName joined(name());
    for (std::size_t i = count_; i-- > 0;) {
      tree_.database_.versions.forget(tree_.name_of(joined.bytes()), numbers_[i]);
      transaction_.forget_last();
    }
  }

  // Once. The node outlives this.
  Status add(const LooseNode& node, const std::vector<Change>& changes) {
    STILLFRAME_CHECK(changes.size() <= numbers_.size(), "a change makes two versions at most");
    node_ = &node;
    if (changes.empty()) return Ok{};
    const JoinedName joined(name());
    for (const Change& change : changes) {
      auto added = tree_.database_.versions.add(tree_.name_of(joined.bytes()), change,
                                                transaction_.shared_state());
      if (!added.ok()) return added.error();
      numbers_[count_++] = added.value();
      const BookmarkView view = name();
      transaction_.note(tree_,
                        {{view.key.begin(), view.key.end()}, {view.data.begin(), view.data.end()}},
                        added.value());
    }
    return Ok{};
  }

  std::span<const Rceid> numbers() const noexcept { return std::span(numbers_).first(count_); }
  void keep() noexcept { kept_ = true; }

 private:
  BookmarkView name() const {
    return {node_->key, tree_.id_.unique ? Bytes{} : Bytes(node_->data)};
  }

  BTree& tree_;
  OpenTransaction& transaction_;
  const LooseNode* node_ = nullptr;
  std::array<Rceid, 2> numbers_{};
  std::size_t count_ = 0;
  bool kept_ = false;
};

}  // namespace stillframe::ese

#include "writers/ese/engine/btree_reader.hpp"

#include <utility>

namespace stillframe::ese {

// Whether the reader sees a node there; it is copied then.
bool BTreeReader::look_at(const PageView& page, std::size_t line) {
  const NodeView node = page.node(line);
  NodeState state{!node.deleted(), {node.data.begin(), node.data.end()}};
  Bookmark bookmark = bookmark_of(page, line);
  if ((node.flags & kNodeVersion) != 0) {
    const OpenDatabase& database = tree_.database();
    const JoinedName joined(bookmark.view());
    database.versions.show_to(reader_, {database.id, tree_.id().objid, joined.bytes()}, state);
  }
  if (!state.there) return false;
  key_ = std::move(bookmark.key);
  name_data_ = std::move(bookmark.data);
  data_ = std::move(state.data);
  return true;
}

void BTreeReader::stand_on(const PageRef& leaf, std::size_t line) {
  here_ = Place{leaf.pgno(), PageView(leaf.bytes()).dbtime(), line};
}

// The latch of a leaf is kept until the next one is latched, so that nothing moves past in between.
Status BTreeReader::forward_from(Result<PageRef> leaf, std::size_t line) {
  here_.reset();
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    for (; line < page.lines(); ++line) {
      if (!look_at(page, line)) continue;
      stand_on(leaf.value(), line);
      return Ok{};
    }
    if (page.next() == Pgno::null) return Ok{};
    auto next = tree_.fix_linked(page.next(), LatchMode::shared);
    leaf = std::move(next);
    line = 0;
  }
  return leaf.error();
}

// Against the order of latches: the leaf is let go before its left neighbour is asked for, which
// may be another one by then. Everything below `bound` and not yet seen lies to the left of it.
Status BTreeReader::backward_from(Result<PageRef> leaf, std::size_t end) {
  here_.reset();
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    for (std::size_t line = end; line-- > 0;) {
      if (!look_at(page, line)) continue;
      stand_on(leaf.value(), line);
      return Ok{};
    }
    const Pgno own = leaf.value().pgno(), left = page.previous();
    if (left == Pgno::null) return Ok{};
    leaf = Error(Errc::in_use, "");  // gives the latch back
    leaf = tree_.database().cache.fix(tree_.database().id, left, LatchMode::shared);
    if (!leaf.ok()) break;
    const PageView found(leaf.value().bytes());
    const bool still = found.objid() == tree_.id().objid && found.leaf() &&
                       !found.has(kPageEmpty) && found.next() == own &&
                       found.has(kPageSpace) == tree_.id().space;
    if (!still) return Error(Errc::in_use, "the leaves have changed");
    end = found.lines();
  }
  return leaf.error();
}

Status BTreeReader::first() {
  return forward_from(tree_.fix_leaf(BTree::End::first, LatchMode::shared), 0);
}

Status BTreeReader::seek(const BookmarkView& node) {
  auto leaf = tree_.fix_leaf(node, LatchMode::shared);
  const std::size_t line =
      leaf.ok() ? find_line(PageView(leaf.value().bytes()), node).first : std::size_t{0};
  return forward_from(std::move(leaf), line);
}

Status BTreeReader::last() {
  for (;;) {
    auto leaf = tree_.fix_leaf(BTree::End::last, LatchMode::shared);
    const std::size_t end = leaf.ok() ? PageView(leaf.value().bytes()).lines() : 0;
    Status moved = backward_from(std::move(leaf), end);
    if (moved.ok() || moved.error().code() != Errc::in_use) return moved;
  }
}

Status BTreeReader::next() {
  if (!here_) return Ok{};
  auto leaf = tree_.database().cache.fix(tree_.database().id, here_->pgno, LatchMode::shared);
  if (leaf.ok() && PageView(leaf.value().bytes()).dbtime() == here_->dbtime) {
    return forward_from(std::move(leaf), here_->line + 1);
  }
  const Bookmark from{key_, tree_.id().unique ? std::vector<std::byte>{} : name_data_};
  leaf = Error(Errc::in_use, "");  // of a page that may be another by now
  leaf = tree_.fix_leaf(from.view(), LatchMode::shared);
  std::size_t line = 0;
  if (leaf.ok()) {
    const auto [found, same] = find_line(PageView(leaf.value().bytes()), from.view());
    line = found + (same ? 1 : 0);
  }
  return forward_from(std::move(leaf), line);
}

Status BTreeReader::previous() {
  if (!here_) return Ok{};
  const Bookmark from{key_, tree_.id().unique ? std::vector<std::byte>{} : name_data_};
  for (;;) {
    auto leaf = tree_.fix_leaf(from.view(), LatchMode::shared);
    const std::size_t line =
        leaf.ok() ? find_line(PageView(leaf.value().bytes()), from.view()).first : std::size_t{0};
    Status moved = backward_from(std::move(leaf), line);
    if (moved.ok() || moved.error().code() != Errc::in_use) return moved;
  }
}

}  // namespace stillframe::ese

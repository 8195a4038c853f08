#include "writers/ese/engine/btree_reader.hpp"

#include <utility>

namespace stillframe::ese {

namespace {

// Who asks for a node and perhaps its neighbour does not need the whole leaf.
constexpr unsigned kStepsBeforeCopy = 2;

bool is_marked(const NodeView& node) {
  return (node.flags & kNodeVersion) != 0;
}

}  // namespace

// ---- On a latched leaf

// Whether the reader sees a node there; it is copied then.
bool BTreeReader::look_at(const PageView& page, std::size_t line) {
  const NodeView node = page.node(line);
  const bool versioned = is_marked(node) && !tree_.database().versions.none();
  if (!versioned && node.deleted()) return false;
  own_key_.resize(node.key.size());
  node.key.copy_to(own_key_.data());
  own_data_.assign(node.data.begin(), node.data.end());
  name_data_.clear();
  if (page.has(kPageNonUnique)) name_data_.assign(node.data.begin(), node.data.end());
  if (versioned && !show_version(node)) return false;
  key_ = own_key_;
  data_ = own_data_;
  return true;
}

// Of the node that was copied.
bool BTreeReader::show_version(const NodeView& node) {
  const OpenDatabase& database = tree_.database();
  const JoinedName joined({own_key_, name_data_});
  NodeState state{!node.deleted(), std::move(own_data_)};
  database.versions.show_to(reader_, {database.id, tree_.id().objid, joined.bytes()}, state);
  own_data_ = std::move(state.data);
  return state.there;
}

void BTreeReader::stand_on(PageRef& leaf, std::size_t line) {
  here_ = Place{leaf.pgno(), PageView(leaf.bytes()).dbtime(), line};
  if (walked_ < kStepsBeforeCopy) return;
  if (copy_is_of(*here_)) {
    copy_.own_changes = reader_.own_changes(tree_.id().objid);
  } else {
    copy_leaf(leaf);
  }
}

// ---- On a copy

void BTreeReader::copy_leaf(PageRef& leaf) {
  copy_.marks_count = !tree_.database().versions.none();
  if (copy_.marks_count) tree_.drop_spent_marks(leaf);
  const Bytes bytes = leaf.bytes();
  copy_.bytes.assign(bytes.begin(), bytes.end());
  copy_.pgno = leaf.pgno();
  copy_.own_changes = reader_.own_changes(tree_.id().objid);
}

bool BTreeReader::copy_is_of(const Place& place) const {
  return copy_.pgno != Pgno::null && copy_.pgno == place.pgno &&
         PageView(copy_.bytes).dbtime() == place.dbtime;
}

// A node with versions may look different now: not to this transaction, but what makes it look the
// same may be gone from the version store together with the change.
bool BTreeReader::step_on_copy(Way way) {
  if (!copy_is_of(*here_)) return false;
  if (copy_.own_changes != reader_.own_changes(tree_.id().objid)) return false;
  const PageView page(copy_.bytes);
  const std::size_t lines = page.lines();
  for (std::size_t line = here_->line;;) {
    if (way == Way::forwards ? ++line >= lines : line-- == 0) return false;
    const NodeView node = page.node(line);
    if (copy_.marks_count && is_marked(node)) return false;
    if (node.deleted()) continue;
    stand_on_copy(node, line);
    return true;
  }
}

void BTreeReader::stand_on_copy(const NodeView& node, std::size_t line) {
  here_->line = line;
  data_ = node.data;
  key_ = node.key.suffix;
  if (!node.key.prefix.empty()) {
    own_key_.resize(node.key.size());
    node.key.copy_to(own_key_.data());
    key_ = own_key_;
  }
  name_data_.clear();
  if (!tree_.id().unique) name_data_.assign(node.data.begin(), node.data.end());
}

Bookmark BTreeReader::here_by_name() const {
  Bookmark name{{key_.begin(), key_.end()}, {}};
  if (!tree_.id().unique) name.data = name_data_;
  return name;
}

// ---- From leaf to leaf

// The latch of a leaf is kept until the next one is latched, so that nothing moves past in between.
Status BTreeReader::forward_from(Result<PageRef> leaf, std::size_t line) {
  here_.reset();
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    for (const std::size_t lines = page.lines(); line < lines; ++line) {
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
  walked_ = 0;
  return forward_from(tree_.fix_leaf(BTree::End::first, LatchMode::shared), 0);
}

Status BTreeReader::seek(const BookmarkView& node) {
  walked_ = 0;
  auto leaf = tree_.fix_leaf(node, LatchMode::shared);
  const std::size_t line =
      leaf.ok() ? find_line(PageView(leaf.value().bytes()), node).first : std::size_t{0};
  return forward_from(std::move(leaf), line);
}

Status BTreeReader::last() {
  walked_ = 0;
  for (;;) {
    auto leaf = tree_.fix_leaf(BTree::End::last, LatchMode::shared);
    const std::size_t end = leaf.ok() ? PageView(leaf.value().bytes()).lines() : 0;
    Status moved = backward_from(std::move(leaf), end);
    if (moved.ok() || moved.error().code() != Errc::in_use) return moved;
  }
}

Status BTreeReader::next() {
  if (!here_) return Ok{};
  ++walked_;
  if (step_on_copy(Way::forwards)) return Ok{};
  auto leaf = tree_.database().cache.fix(tree_.database().id, here_->pgno, LatchMode::shared);
  if (leaf.ok() && PageView(leaf.value().bytes()).dbtime() == here_->dbtime) {
    return forward_from(std::move(leaf), here_->line + 1);
  }
  const Bookmark from = here_by_name();
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
  ++walked_;
  if (step_on_copy(Way::backwards)) return Ok{};
  const Bookmark from = here_by_name();
  for (;;) {
    auto leaf = tree_.fix_leaf(from.view(), LatchMode::shared);
    const std::size_t line =
        leaf.ok() ? find_line(PageView(leaf.value().bytes()), from.view()).first : std::size_t{0};
    Status moved = backward_from(std::move(leaf), line);
    if (moved.ok() || moved.error().code() != Errc::in_use) return moved;
  }
}

}  // namespace stillframe::ese

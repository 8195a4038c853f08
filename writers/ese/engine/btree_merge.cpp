// Taking pages out of a tree that have no nodes left.
#include <algorithm>
#include <utility>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kMergeAbove = 0;
constexpr std::uint8_t kMergeEmptyPage = 1;

std::optional<std::size_t> line_of_child(const PageView& page, Pgno child) {
  for (std::size_t line = 0; line < page.lines(); ++line) {
    if (page.child(line) == child) return line;
  }
  return std::nullopt;
}

}  // namespace

Status BTree::merge_empty_leaf(OpenTransaction& transaction, const BookmarkView& node) {
  auto freed = try_merging(transaction, node.joined());
  if (!freed.ok()) return freed.error();
  for (const Pgno pgno : freed.value()) {
    if (Status s = pool_.give_back(transaction, pgno); !s.ok()) return s;
  }
  return Ok{};
}

// The pages above are latched first and keep everybody from splitting the leaf; siblings are then
// latched from left to right, and looked at again. Whenever something is not as it was, the leaf
// stays: an empty one does no harm.
Result<std::vector<Pgno>> BTree::try_merging(OpenTransaction& transaction, const KeyView& key) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  std::vector<PageRef> above;
  Pgno empty = id_.root;
  for (;;) {
    auto page = fix_linked(empty, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    const PageView view(page.value().bytes());
    if (view.leaf() || view.lines() == 0) return std::vector<Pgno>();  // the root, or changed
    above.push_back(std::move(page).value());
    empty = view.child(line_to_descend(view, key));
    if (view.has(kPageParentOfLeaf)) break;
    if (above.size() == kTreeDepthMax) return std::vector<Pgno>();
  }
  // Pages whose only pointer leads here go too, but a root keeps one.
  std::size_t keeps = above.size() - 1;
  while (PageView(above[keeps].bytes()).lines() == 1) {
    if (keeps == 0) return std::vector<Pgno>();
    --keeps;
  }

  Pgno left = Pgno::null, right = Pgno::null;
  {
    auto leaf = fix_linked(empty, LatchMode::shared);
    if (!leaf.ok()) return leaf.error();
    left = PageView(leaf.value().bytes()).previous();
    right = PageView(leaf.value().bytes()).next();
  }
  std::vector<PageRef> siblings;  // left, the leaf itself, right, as far as they are there
  siblings.reserve(3);
  std::size_t own = 0;
  for (const Pgno pgno : {left, empty, right}) {
    if (pgno == Pgno::null) continue;
    auto page = database_.cache.fix(database_.id, pgno, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    if (pgno == empty) own = siblings.size();
    siblings.push_back(std::move(page).value());
  }
  const PageView leaf(siblings[own].bytes());
  const bool as_before =
      leaf.leaf() && leaf.lines() == 0 && leaf.previous() == left && leaf.next() == right;
  if (!as_before) return std::vector<Pgno>();

  std::vector<PageRef*> held;
  for (std::size_t i = keeps; i < above.size(); ++i) held.push_back(&above[i]);
  for (PageRef& page : siblings) held.push_back(&page);
  LoggedChange change(database_, author.value(), held);
  std::vector<Pgno> freed;
  for (std::size_t i = keeps; i < above.size(); ++i) {
    const Pgno child = i + 1 < above.size() ? above[i + 1].pgno() : empty;
    const auto line = line_of_child(PageView(above[i].bytes()), child);
    if (!line) return std::vector<Pgno>();
    MergeRecord2 record;
    record.merge.page = change.header(above[i], *line, record_flags(false));
    record.merge.right_before = Dbtime::nil;
    record.merge.left_before = Dbtime::nil;
    record.merge.parent_before = Dbtime::nil;
    record.merge.fdp = id_.root;
    record.merge.objid = id_.objid;
    record.merge.merge_type = kMergeAbove;
    record.merge.merge_flags = i == keeps ? MergeFields::kDeleteNode : MergeFields::kEmptyPage;
    if (i != keeps) freed.push_back(above[i].pgno());
    change.add(encode_record(record, {}));
  }
  MergeRecord2 record;
  record.merge.page = change.header(siblings[own], 0, record_flags(false));
  record.merge.left = left;
  record.merge.left_before =
      left == Pgno::null ? Dbtime::nil : PageView(siblings.front().bytes()).dbtime();
  record.merge.right = right;
  record.merge.right_before =
      right == Pgno::null ? Dbtime::nil : PageView(siblings.back().bytes()).dbtime();
  record.merge.parent = above.back().pgno();
  record.merge.parent_before = PageView(above.back().bytes()).dbtime();
  record.merge.fdp = id_.root;
  record.merge.objid = id_.objid;
  record.merge.merge_type = kMergeEmptyPage;
  record.merge.merge_flags = MergeFields::kEmptyPage;
  change.add(encode_record(record, {}));
  if (Status s = change.carry_out(); !s.ok()) return s.error();
  freed.push_back(empty);
  return freed;
}

}  // namespace stillframe::ese

// Taking pages out of a tree that have no nodes left.
#include <optional>
#include <utility>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kMergeAbove = 0;
constexpr std::uint8_t kMergeEmptyPage = 1;

}  // namespace

Status BTree::merge_empty_leaf(OpenTransaction& transaction, const BookmarkView& node) {
  auto freed = try_merging(transaction, node.joined());
  if (!freed.ok()) return freed.error();
  for (const Pgno pgno : freed.value()) {
    if (Status s = pool_.give_back(transaction, pgno); !s.ok()) return s;
  }
  return Ok{};
}

struct BTree::Above {
  std::vector<PageRef> pages;  // none if the root is a leaf
  Pgno leaf = Pgno::null;

  // The lowest that keeps a pointer when the one to the leaf goes; those below it have no other,
  // and go too. None if not even the root would.
  std::optional<std::size_t> keeps() const {
    for (std::size_t depth = pages.size(); depth-- > 0;) {
      if (PageView(pages[depth].bytes()).lines() > 1) return depth;
    }
    return std::nullopt;
  }
};

Result<BTree::Above> BTree::fix_above(const KeyView& key) const {
  Above above;
  above.leaf = id_.root;
  while (above.pages.size() < kTreeDepthMax) {
    auto page = fix_linked(above.leaf, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    const PageView view(page.value().bytes());
    if (view.leaf() || view.lines() == 0) return above;
    const bool leaf_next = view.has(kPageParentOfLeaf);
    above.leaf = view.child(line_to_descend(view, key));
    above.pages.push_back(std::move(page).value());
    if (leaf_next) return above;
  }
  return above;
}

// A leaf between its neighbours, as far as it has any.
struct BTree::Siblings {
  std::vector<PageRef> pages;  // from left to right
  std::size_t own = 0;
  Pgno left = Pgno::null, right = Pgno::null;

  bool still_empty() const {
    const PageView leaf(pages[own].bytes());
    return leaf.leaf() && leaf.lines() == 0 && leaf.previous() == left && leaf.next() == right;
  }
  Dbtime left_dbtime() const {
    return left == Pgno::null ? Dbtime::nil : PageView(pages.front().bytes()).dbtime();
  }
  Dbtime right_dbtime() const {
    return right == Pgno::null ? Dbtime::nil : PageView(pages.back().bytes()).dbtime();
  }
};

// Latched from left to right, so the leaf is first asked for its neighbours and let go again.
Result<BTree::Siblings> BTree::fix_siblings(Pgno pgno) const {
  Siblings siblings;
  {
    auto leaf = fix_linked(pgno, LatchMode::shared);
    if (!leaf.ok()) return leaf.error();
    siblings.left = PageView(leaf.value().bytes()).previous();
    siblings.right = PageView(leaf.value().bytes()).next();
  }
  for (const Pgno each : {siblings.left, pgno, siblings.right}) {
    if (each == Pgno::null) continue;
    auto page = database_.cache.fix(database_.id, each, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    if (each == pgno) siblings.own = siblings.pages.size();
    siblings.pages.push_back(std::move(page).value());
  }
  return siblings;
}

MergeRecord2 BTree::merge_record(const PageRecordHeader& header) const {
  MergeRecord2 record;
  record.merge.page = header;
  record.merge.right_before = Dbtime::nil;
  record.merge.left_before = Dbtime::nil;
  record.merge.parent_before = Dbtime::nil;
  record.merge.fdp = id_.root;
  record.merge.objid = id_.objid;
  record.merge.merge_type = kMergeAbove;
  return record;
}

// The pages above are latched first and keep everybody from splitting the leaf. Whenever something
// is not as it was, nothing is done: an empty leaf does no harm. Gives the pages that went.
Result<std::vector<Pgno>> BTree::try_merging(OpenTransaction& transaction, const KeyView& key) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  auto above = fix_above(key);
  if (!above.ok()) return above.error();
  const auto keeps = above.value().keeps();
  if (!keeps) return std::vector<Pgno>();
  auto siblings = fix_siblings(above.value().leaf);
  if (!siblings.ok()) return siblings.error();
  if (!siblings.value().still_empty()) return std::vector<Pgno>();

  std::vector<PageRef>& pages = above.value().pages;
  std::vector<PageRef*> held;
  for (std::size_t i = *keeps; i < pages.size(); ++i) held.push_back(&pages[i]);
  for (PageRef& page : siblings.value().pages) held.push_back(&page);
  LoggedChange change(database_, author.value(), held);
  std::vector<Pgno> freed;
  for (std::size_t i = *keeps; i < pages.size(); ++i) {
    const Pgno child = i + 1 < pages.size() ? pages[i + 1].pgno() : above.value().leaf;
    const std::size_t line = line_of_child(PageView(pages[i].bytes()), child);
    MergeRecord2 record = merge_record(change.header(pages[i], line, record_flags(false)));
    record.merge.merge_flags = i == *keeps ? MergeFields::kDeleteNode : MergeFields::kEmptyPage;
    if (i != *keeps) freed.push_back(pages[i].pgno());
    change.add(encode_record(record, {}));
  }
  const PageRef& leaf = siblings.value().pages[siblings.value().own];
  MergeRecord2 record = merge_record(change.header(leaf, 0, record_flags(false)));
  record.merge.left = siblings.value().left;
  record.merge.left_before = siblings.value().left_dbtime();
  record.merge.right = siblings.value().right;
  record.merge.right_before = siblings.value().right_dbtime();
  record.merge.parent = pages.back().pgno();
  record.merge.parent_before = PageView(pages.back().bytes()).dbtime();
  record.merge.merge_type = kMergeEmptyPage;
  record.merge.merge_flags = MergeFields::kEmptyPage;
  change.add(encode_record(record, {}));
  if (Status s = change.carry_out(); !s.ok()) return s.error();
  freed.push_back(above.value().leaf);
  return freed;
}

}  // namespace stillframe::ese

#include "writers/ese/format/verify_tree.hpp"

#include <optional>
#include <set>

namespace stillframe::ese {

namespace {

using Blob = std::vector<std::byte>;

Blob whole_key(const KeyView& key) {
  Blob bytes(key.size());
  key.copy_to(bytes.data());
  return bytes;
}

class TreeCheck {
 public:
  TreeCheck(const PageSource& source, Objid objid, const TreeVisit& visit)
      : source_(source), objid_(objid), visit_(visit) {}

  // The keys of the page at `pgno` lie in [low, high); no bound where there is none.
  bool check(Pgno pgno, const std::optional<Blob>& low, const std::optional<Blob>& high,
             std::size_t depth) {
    if (depth == kTreeDepthMax || !seen_.insert(pgno).second) {
      return complain(pgno, "is reached twice, or too deep");
    }
    Blob bytes(source_.page_bytes());
    if (Status read = read_checked_page(source_, pgno, bytes); !read.ok()) {
      visit_.finding(read.error().what());
      return false;
    }
    visit_.page(pgno);
    const PageView page(bytes);
    if (page.objid() != objid_ || page.has(kPageEmpty) || page.has(kPagePreInit)) {
      return complain(pgno, "is linked to an object that it is not a page of");
    }
    if (page.root() != (depth == 0)) complain(pgno, "has the root's flag wrong");
    return page.leaf() ? check_leaf(pgno, page, low, high, depth)
                       : check_internal(pgno, page, low, high, depth);
  }

  void finish() {
    if (next_ != Pgno::null) complain(last_leaf_, "is the last leaf but links to another");
  }

 private:
  bool complain(Pgno pgno, const std::string& why) {
    visit_.finding(page_text(source_, pgno) + " " + why);
    return false;
  }

  // A separator of a non-unique tree may end in a piece of the data.
  static Blob full_key(const PageView& page, const NodeView& node) {
    Blob key = whole_key(node.key);
    if (page.has(kPageNonUnique)) key.insert(key.end(), node.data.begin(), node.data.end());
    return key;
  }

  bool check_leaf(Pgno pgno, const PageView& page, const std::optional<Blob>& low,
                  const std::optional<Blob>& high, std::size_t depth) {
    if (page.previous() != last_leaf_) complain(pgno, "does not link back to the leaf before it");
    if (last_leaf_ != Pgno::null && next_ != pgno) complain(pgno, "is not linked from its left");
    last_leaf_ = pgno;
    next_ = page.next();
    if (leaf_depth_ == 0) leaf_depth_ = depth + 1;
    if (leaf_depth_ != depth + 1) complain(pgno, "is a leaf on another level than the others");
    if (page.lines() == 0) return true;
    const Blob first = full_key(page, page.node(0));
    const Blob last = full_key(page, page.node(page.lines() - 1));
    if (low && compare_bytes(first, *low) < 0) complain(pgno, "has a key below its separator");
    if (high && compare_bytes(last, *high) >= 0) complain(pgno, "has a key above its separator");
    return true;
  }

  bool check_internal(Pgno pgno, const PageView& page, const std::optional<Blob>& low,
                      const std::optional<Blob>& high, std::size_t depth) {
    if (page.lines() == 0) return complain(pgno, "is internal but leads nowhere");
    bool whole = true;
    std::optional<Blob> from = low;
    for (std::size_t line = 0; line < page.lines(); ++line) {
      const NodeView node = page.node(line);
      const bool last = line + 1 == page.lines();
      std::optional<Blob> to = node.key.empty() ? std::nullopt : std::optional(whole_key(node.key));
      if (to && high && compare_bytes(*to, *high) > 0) {
        complain(pgno, "has a separator above that of its parent");
      }
      if (!to && (last || !high)) to = high;
      whole &= check(page.child(line), from, to, depth + 1);
      from = std::move(to);
    }
    return whole;
  }

  const PageSource& source_;
  Objid objid_;
  const TreeVisit& visit_;
  std::set<Pgno> seen_;
  Pgno last_leaf_ = Pgno::null, next_ = Pgno::null;
  std::size_t leaf_depth_ = 0;
};

}  // namespace

bool check_tree(const PageSource& source, Pgno root, Objid objid, const TreeVisit& visit) {
  TreeCheck check(source, objid, visit);
  const bool whole = check.check(root, std::nullopt, std::nullopt, 0);
  if (whole) check.finish();
  return whole;
}

}  // namespace stillframe::ese

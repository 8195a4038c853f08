#include "writers/ese/format/verify_space.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

namespace stillframe::ese {

namespace {

struct Share {
  std::uint64_t first = 0, end = 0;  // pages [first, end)
  const TreeSpace* tree = nullptr;
};

void add_shares(const TreeSpace& tree, const std::vector<Extent>& extents,
                std::vector<Share>& shares) {
  for (const Extent& extent : extents) {
    const auto first = static_cast<std::uint64_t>(extent.first);
    shares.push_back({first, first + extent.pages, &tree});
  }
}

class ShareCheck {
 public:
  ShareCheck(const PageSource& source, const std::function<void(std::string)>& finding)
      : source_(source), finding_(finding) {}

  void check_family(const TreeSpace* parent, const std::vector<const TreeSpace*>& children) {
    std::vector<Share> owned;
    for (const TreeSpace* child : children) add_shares(*child, child->space.owned, owned);
    std::sort(owned.begin(), owned.end(),
              [](const Share& a, const Share& b) { return a.first < b.first; });
    check_apart(owned);
    if (parent == nullptr) return;
    for (const Share& share : owned) check_with_parent(share, *parent);
  }

 private:
  std::string pages_text(std::uint64_t first, std::uint64_t end) const {
    std::string text = page_text(source_, Pgno{static_cast<std::uint32_t>(first)});
    if (end - first > 1) text += " and " + std::to_string(end - first - 1) + " more from there";
    return text;
  }

  // What a tree owns twice itself is said where its own space is checked.
  void check_apart(const std::vector<Share>& owned) {
    const Share* furthest = nullptr;
    for (const Share& share : owned) {
      if (furthest != nullptr && share.first < furthest->end && share.tree != furthest->tree) {
        finding_(furthest->tree->name + " and " + share.tree->name + " both own " +
                 pages_text(share.first, std::min(share.end, furthest->end)));
      }
      if (furthest == nullptr || share.end > furthest->end) furthest = &share;
    }
  }

  void check_with_parent(const Share& share, const TreeSpace& parent) {
    for (const Extent& free : parent.space.available) {
      const auto first = static_cast<std::uint64_t>(free.first);
      const std::uint64_t from = std::max(share.first, first);
      const std::uint64_t to = std::min(share.end, first + free.pages);
      if (from < to) {
        finding_(share.tree->name + " owns " + pages_text(from, to) + ", which " + parent.name +
                 " has free");
      }
    }
    std::uint64_t at = share.first;  // what lies before is the parent's
    for (const Extent& owned : parent.space.owned) {
      const auto first = static_cast<std::uint64_t>(owned.first);
      if (first <= at) at = std::max(at, std::min(share.end, first + owned.pages));
    }
    if (at < share.end) {
      finding_(share.tree->name + " owns " + pages_text(at, share.end) + ", which " + parent.name +
               ", its parent, does not own");
    }
  }

  const PageSource& source_;
  const std::function<void(std::string)>& finding_;
};

}  // namespace

void check_shares(const PageSource& source, const std::vector<TreeSpace>& trees,
                  const std::function<void(std::string)>& finding) {
  std::map<Pgno, const TreeSpace*> by_root;
  std::map<Pgno, std::vector<const TreeSpace*>> families;
  for (const TreeSpace& tree : trees) {
    by_root.emplace(tree.root, &tree);
    if (tree.space.header.parent != Pgno::null) {
      families[tree.space.header.parent].push_back(&tree);
    }
  }
  ShareCheck check(source, finding);
  for (const auto& [root, children] : families) {
    const auto parent = by_root.find(root);
    check.check_family(parent == by_root.end() ? nullptr : parent->second, children);
  }
}

}  // namespace stillframe::ese

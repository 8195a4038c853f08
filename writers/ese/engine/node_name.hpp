// Nodes by what does not change when splits move them: their key, and in trees with equal keys the
// data behind it.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "writers/ese/format/page.hpp"

namespace stillframe::ese {

struct BookmarkView {
  Bytes key;
  Bytes data;  // of a tree with equal keys; empty otherwise

  // Both in one run, which is what separators are compared with.
  KeyView joined() const { return data.empty() ? KeyView{{}, key} : KeyView{key, data}; }
};

struct Bookmark {
  std::vector<std::byte> key;
  std::vector<std::byte> data;

  BookmarkView view() const { return {key, data}; }
  std::vector<std::byte> joined() const {
    std::vector<std::byte> bytes = key;
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
  }
};

// Both parts of a name as one run of bytes, copied only if it has both. Of bytes that stay.
class JoinedName {
 public:
  explicit JoinedName(const BookmarkView& node) : bytes_(node.key) {
    if (node.data.empty()) return;
    copy_.reserve(node.key.size() + node.data.size());
    copy_.assign(node.key.begin(), node.key.end());
    copy_.insert(copy_.end(), node.data.begin(), node.data.end());
    bytes_ = copy_;
  }
  JoinedName(const JoinedName&) = delete;
  JoinedName& operator=(const JoinedName&) = delete;

  Bytes bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> copy_;
  Bytes bytes_;
};

inline Bookmark bookmark_of(const PageView& page, std::size_t line) {
  const NodeView node = page.node(line);
  Bookmark bookmark;
  bookmark.key.resize(node.key.size());
  node.key.copy_to(bookmark.key.data());
  if (page.has(kPageNonUnique)) bookmark.data.assign(node.data.begin(), node.data.end());
  return bookmark;
}

inline std::strong_ordering compare_bookmark(const PageView& page, const NodeView& node,
                                             const BookmarkView& bookmark) {
  const auto order = compare_keys(node.key, {{}, bookmark.key});
  if (order != 0 || !page.has(kPageNonUnique)) return order;
  return compare_bytes(node.data, bookmark.data);
}

// The first line of a leaf that is not below `bookmark`, and whether it is that very node.
inline std::pair<std::size_t, bool> find_line(const PageView& page, const BookmarkView& bookmark) {
  const NodeTable nodes(page);
  std::size_t low = 0, high = nodes.size();
  bool same = false;  // the node at `high` is the one that is looked for
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const auto order = compare_bookmark(page, nodes[middle], bookmark);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
      same = order == 0;
    }
  }
  return {low, same};
}

}  // namespace stillframe::ese

// Merges: the nodes of a page go to a sibling, or the page is emptied, and the pages above lose the
// pointer to it.
#include <algorithm>

#include "writers/ese/engine/page_change.hpp"

namespace stillframe::ese {

namespace {

// The numbers are those of the log record.
enum class MergeType : std::uint8_t {
  none = 0,        // a page above the one that merges
  empty_page = 1,  // all nodes are dead
  full_right = 2,  // all live nodes go to the right sibling
  partial_right = 3,
  full_left = 5,
  partial_left = 6,
};

struct Merge {
  MergeFields fields;
  Bytes separator, image;
  std::uint32_t image_flags = 0;

  Pgno source() const { return fields.page.page; }
  std::size_t line() const { return fields.page.line; }
  MergeType type() const { return static_cast<MergeType>(fields.merge_type); }
  bool has(std::uint8_t flag) const { return (fields.merge_flags & flag) != 0; }
  bool moves_right() const {
    return type() == MergeType::full_right || type() == MergeType::partial_right;
  }
  bool moves_left() const {
    return type() == MergeType::full_left || type() == MergeType::partial_left;
  }
  bool partial() const {
    return type() == MergeType::partial_right || type() == MergeType::partial_left;
  }
};

Merge decode_merge(const RecordChange& change) {
  const auto record = change.decoded<MergeRecord2>();
  return {record.fixed.merge, record.parts[0], record.parts[1], record.fixed.image_flags};
}

// --- Pages above the one that merges.

// What the pointers become, before they are put back with the page's own prefix.
Status change_pointers(const RecordChange& change, const Merge& above, const Merge& below,
                       std::vector<LooseNode>& nodes) {
  std::size_t line = above.line();
  const auto child = [&](std::size_t at) { return load_le<Pgno>(nodes[at].data.data()); };
  if (line >= nodes.size() || child(line) != below.source()) {
    return change.misfit(above.source(), "its line " + std::to_string(line) +
                                             " does not point to the page that merges");
  }
  if (below.moves_left()) {
    if (line == 0) return change.misfit(above.source(), "the page that merges is its first");
    if (below.type() == MergeType::full_left) {
      store_le(nodes[line].data.data(), below.fields.left);
    }
    --line;  // the separator before the page that merges goes or changes
  }
  if (above.has(MergeFields::kKeyChange)) {
    nodes[line].key.assign(above.separator.begin(), above.separator.end());
  }
  if (!above.has(MergeFields::kDeleteNode)) return Ok{};
  const bool open_end = line + 1 == nodes.size() && nodes[line].key.empty();
  nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(line));
  if (open_end && !nodes.empty()) nodes.back().key.clear();
  return Ok{};
}

Status put_back(const RecordChange& change, Pgno pgno, const std::vector<LooseNode>& nodes,
                PageEditor& page) {
  const std::vector<std::byte> prefix(page.view().prefix().begin(), page.view().prefix().end());
  page.erase_from(0);
  for (const LooseNode& node : nodes) {
    if (!page.insert(page.view().lines(), parts_of(node, prefix))) {
      return change.misfit(pgno, "its nodes do not fit on it any more");
    }
  }
  return Ok{};
}

Status merge_above(const RecordChange& change, const Merge& above, const RecordChange* below) {
  if (below == nullptr || below->type() != RecordType::merge2) {
    return change.contradiction(above.source(), "the record of the page that merges is missing");
  }
  auto page = change.to_change(above.source());
  if (!page) return Ok{};
  if (page->view().leaf()) return change.misfit(above.source(), "it is not the parent of a page");
  if (above.has(MergeFields::kEmptyPage)) {
    empty_page(*page);
    return Ok{};
  }
  std::vector<LooseNode> nodes = take_nodes(page->view());
  if (Status changed = change_pointers(change, above, decode_merge(*below), nodes); !changed.ok()) {
    return changed;
  }
  return put_back(change, above.source(), nodes, *page);
}

// --- The page that merges, and its siblings.

using Lines = std::pair<std::size_t, std::size_t>;  // from, to

// The lines that leave the page.
Result<Lines> lines_moved(const RecordChange& change, const Merge& merge, std::size_t lines) {
  const std::size_t at = merge.fields.line_merge;
  const Lines moved = merge.moves_right() ? Lines{at, lines} : Lines{0, at + 1};
  if (moved.first <= moved.second && moved.second <= lines) return moved;
  return change.misfit(merge.source(), "it has only " + std::to_string(lines) + " lines");
}

Result<std::vector<LooseNode>> nodes_of_source(const RecordChange& change, const Merge& merge) {
  const HeldPage& source = change.page(merge.source());
  if (source.change) return take_nodes(PageView(source.bytes));
  if (!merge.image.empty()) {
    return nodes_of_image(change, merge.source(), merge.image, merge.image_flags);
  }
  return change.misfit(merge.source(),
                       "it has merged already, its sibling has not, and the record has no image "
                       "of the nodes that moved");
}

Status move_nodes(const RecordChange& change, const Merge& merge) {
  const Pgno target = merge.moves_right() ? merge.fields.right : merge.fields.left;
  auto to = change.to_change(target);
  if (!to) return Ok{};
  auto nodes = nodes_of_source(change, merge);
  if (!nodes.ok()) return nodes.error();
  const auto moved = lines_moved(change, merge, nodes.value().size());
  if (!moved.ok()) return moved.error();
  std::size_t line = merge.moves_right() ? 0 : to->view().lines();
  for (std::size_t from = moved.value().first; from < moved.value().second; ++from) {
    const LooseNode& node = nodes.value()[from];
    if ((node.flags & kNodeDeleted) != 0) continue;
    if (!to->insert(line++, parts_of(node, to->view().prefix()))) {
      return change.misfit(target, "the nodes of the page that merges do not fit on it");
    }
  }
  to->set_uncommitted_free_bytes(
      std::min<std::size_t>(merge.fields.target_uncommitted, to->view().free_bytes()));
  return Ok{};
}

Status leave_source(const RecordChange& change, const Merge& merge) {
  auto source = change.to_change(merge.source());
  if (!source) return Ok{};
  if (!source->view().leaf()) return change.misfit(merge.source(), "it is not a leaf");
  if (!merge.partial()) {
    empty_page(*source);
    return Ok{};
  }
  const auto moved = lines_moved(change, merge, source->view().lines());
  if (!moved.ok()) return moved.error();
  for (std::size_t line = moved.value().second; line-- > moved.value().first;) {
    source->erase(line);
  }
  return Ok{};
}

void join_siblings(const RecordChange& change, const Merge& merge) {
  const auto& [left, right] = std::pair(merge.fields.left, merge.fields.right);
  if (merge.partial()) return;
  if (left != Pgno::null) {
    if (auto page = change.to_change(left)) page->set_next(right);
  }
  if (right != Pgno::null) {
    if (auto page = change.to_change(right)) page->set_previous(left);
  }
}

Status merge_leaf(const RecordChange& change, const Merge& merge) {
  if (merge.moves_right() || merge.moves_left()) {
    const Pgno target = merge.moves_right() ? merge.fields.right : merge.fields.left;
    if (target == Pgno::null) {
      return change.contradiction(merge.source(), "there is no page that its nodes could go to");
    }
    if (Status moved = move_nodes(change, merge); !moved.ok()) return moved;
  } else if (merge.type() != MergeType::empty_page) {
    return change.contradiction(merge.source(), "it is of a kind that nobody logs");
  }
  if (Status left = leave_source(change, merge); !left.ok()) return left;
  join_siblings(change, merge);
  return Ok{};
}

}  // namespace

Status apply_merge(std::span<const RecordChange> changes) {
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const RecordChange& change = changes[i];
    const Merge merge = decode_merge(change);
    const RecordChange* below = i + 1 < changes.size() ? &changes[i + 1] : nullptr;
    const Status done = merge.type() == MergeType::none ? merge_above(change, merge, below)
                                                        : merge_leaf(change, merge);
    if (!done.ok()) return done;
  }
  return Ok{};
}

}  // namespace stillframe::ese

#include "writers/ese/engine/page_split.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

using Nodes = std::span<const LooseNode>;

std::size_t common_bytes(Bytes a, Bytes b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most), b.begin()).first -
      a.begin());
}

std::size_t useful_prefix(Bytes key, Bytes prefix) {
  const std::size_t common = common_bytes(key, prefix);
  return common > kPrefixBytesUseless ? common : 0;
}

}  // namespace

NodeParts parts_of(const LooseNode& node, Bytes prefix) {
  NodeParts parts;
  parts.prefix_bytes = useful_prefix(node.key, prefix);
  parts.suffix = Bytes(node.key).subspan(parts.prefix_bytes);
  parts.data = node.data;
  parts.flags = node.flags;
  return parts;
}

std::size_t bytes_on_page(std::span<const LooseNode> nodes, Bytes prefix) {
  std::size_t sum = prefix.size();
  for (const LooseNode& node : nodes) sum += parts_of(node, prefix).body_bytes() + kTagBytes;
  return sum;
}

namespace {

// The line whose key saves most as the prefix of all; the middle one is seldom beaten, and trying
// all would cost more than a split. -1 when none saves anything.
std::int32_t best_prefix_line(Nodes nodes) {
  if (nodes.size() < 2) return -1;
  const std::size_t middle = nodes.size() / 2;
  const bool saves = bytes_on_page(nodes, nodes[middle].key) < bytes_on_page(nodes, {});
  return saves ? static_cast<std::int32_t>(middle) : -1;
}

Bytes prefix_of(Nodes nodes, std::int32_t line) {
  return line < 0 ? Bytes{} : Bytes(nodes[static_cast<std::size_t>(line)].key);
}

// What nodes and a prefix may take of a page that is not a root.
std::size_t room_for_nodes(const PageView& page) {
  return page.bytes().size() - page.header_bytes() - kTagBytes;
}

// What a tree is ordered by. In trees with equal keys that is the key and then the data, which is
// the order of both in one run because no key there is the beginning of another.
std::vector<std::byte> order_of(const LooseNode& node, bool with_data) {
  std::vector<std::byte> order = node.key;
  if (with_data) order.insert(order.end(), node.data.begin(), node.data.end());
  return order;
}

std::vector<std::byte> separator_between(const PageView& page, const LooseNode& left,
                                         const LooseNode& right) {
  if (!page.leaf()) return left.key;  // which is above all that is below it
  const bool with_data = page.has(kPageNonUnique);
  return shortest_separator(order_of(left, with_data), order_of(right, with_data));
}

bool fits(Nodes nodes, std::int32_t prefix_line, std::size_t room) {
  return bytes_on_page(nodes, prefix_of(nodes, prefix_line)) <= room;
}

std::size_t sum_of(std::span<const std::size_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

// Both halves get a prefix and must fit; of the lines where that is so, the one nearest to the
// middle by bytes. Starts there and looks outwards.
std::optional<std::size_t> balanced_line(Nodes nodes, std::span<const std::size_t> kept,
                                         std::size_t room) {
  std::vector<std::size_t> sums{0};
  for (const LooseNode& node : nodes) {
    sums.push_back(sums.back() + node.key.size() + node.data.size() + kTagBytes + 2);
  }
  const auto half = std::lower_bound(sums.begin(), sums.end(), sums.back() / 2) - sums.begin();
  const auto count = static_cast<std::ptrdiff_t>(nodes.size());
  const auto works = [&](std::ptrdiff_t line) {
    if (line < 1 || line >= count) return false;
    const auto at = static_cast<std::size_t>(line);
    const Nodes left = nodes.first(at), right = nodes.subspan(at);
    const std::size_t kept_left = sum_of(kept.first(at)), kept_right = sum_of(kept.subspan(at));
    return fits(left, best_prefix_line(left), room - std::min(room, kept_left)) &&
           fits(right, best_prefix_line(right), room - std::min(room, kept_right));
  };
  for (std::ptrdiff_t away = 0; away <= count; ++away) {
    if (works(half - away)) return static_cast<std::size_t>(half - away);
    if (works(half + away)) return static_cast<std::size_t>(half + away);
  }
  return {};
}

void put_nodes(Nodes nodes, Bytes prefix, PageEditor& page) {
  for (const LooseNode& node : nodes) {
    const bool put = page.insert(page.view().lines(), parts_of(node, prefix));
    STILLFRAME_CHECK(put, "a split was planned whose nodes do not fit");
  }
}

Error too_big(const LooseNode& node) {
  return ese_error(EseErr::record_too_big, "a node of " +
                                               std::to_string(node.key.size() + node.data.size()) +
                                               " bytes does not fit on a page of this database");
}

}  // namespace

std::vector<LooseNode> take_nodes(const PageView& page) {
  const NodeTable table(page);
  std::vector<LooseNode> nodes;
  nodes.reserve(table.size() + 1);  // what a split adds is one
  nodes.resize(table.size());
  for (std::size_t line = 0; line < nodes.size(); ++line) {
    const NodeView node = table[line];
    nodes[line].key.resize(node.key.size());
    node.key.copy_to(nodes[line].key.data());
    nodes[line].data.assign(node.data.begin(), node.data.end());
    nodes[line].flags = static_cast<std::uint8_t>(node.flags & ~kNodeCompressed);
  }
  return nodes;
}

std::vector<std::byte> shortest_separator(Bytes left, Bytes right) {
  const std::size_t length = std::min(common_bytes(left, right) + 1, right.size());
  return {right.begin(), right.begin() + static_cast<std::ptrdiff_t>(length)};
}

void carry_out(const SplitPlan& plan, const NewNode& wanted, std::vector<LooseNode>& nodes) {
  const auto at = nodes.begin() + static_cast<std::ptrdiff_t>(plan.line_operation);
  switch (plan.operation) {
    case SplitOperation::none:
      return;
    case SplitOperation::insert: {
      const auto next = std::next(nodes.insert(at, wanted.node));
      if (wanted.new_child != Pgno::null) store_le(next->data.data(), wanted.new_child);
      return;
    }
    case SplitOperation::replace:
    case SplitOperation::flag_insert_and_replace:
      at->data = wanted.node.data;
      at->flags = wanted.node.flags;
      return;
  }
}

Result<SplitPlan> plan_split(const PageView& page, SplitOperation operation, std::size_t line,
                             const NewNode& wanted, bool last_of_tree,
                             std::vector<std::size_t> kept) {
  SplitPlan plan;
  plan.operation = operation;
  plan.line_operation = line;
  std::vector<LooseNode> nodes = take_nodes(page);
  if (page.root()) {
    // The new page takes all that was here, and is split in its turn if need be.
    plan.type = SplitType::vertical;
    plan.operation = SplitOperation::none;
    plan.lines = nodes.size();
    plan.line_prefix_new = best_prefix_line(nodes);
    return plan;
  }
  const bool behind_all = operation == SplitOperation::insert && line == nodes.size();
  carry_out(plan, wanted, nodes);
  plan.lines = nodes.size();
  if (operation == SplitOperation::insert && line < kept.size()) {
    kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(line), 0);
  }
  kept.resize(nodes.size());
  const std::size_t room = room_for_nodes(page);
  if (behind_all && last_of_tree && page.leaf() && line > 0) {
    plan.type = SplitType::append;
    plan.line_split = line;
    if (!fits(Nodes(nodes).subspan(line), -1, room)) return too_big(wanted.node);
  } else {
    const auto split = balanced_line(nodes, kept, room);
    if (!split) return too_big(wanted.node);
    plan.line_split = *split;
    plan.line_prefix_source = best_prefix_line(Nodes(nodes).first(*split));
    plan.line_prefix_new = best_prefix_line(Nodes(nodes).subspan(*split));
  }
  plan.separator = separator_between(page, nodes[plan.line_split - 1], nodes[plan.line_split]);
  return plan;
}

void fill_new_page(const SplitPlan& plan, const std::vector<LooseNode>& nodes, PageEditor& page) {
  const Nodes own = Nodes(nodes).subspan(plan.line_split);
  const Bytes prefix = prefix_of(own, plan.line_prefix_new);
  const bool set = prefix.empty() || page.set_external_header(prefix);
  STILLFRAME_CHECK(set, "a new page has no room for its prefix");
  put_nodes(own, prefix, page);
}

void shrink_source_page(const SplitPlan& plan, const std::vector<LooseNode>& nodes, Pgno new_page,
                        std::uint32_t flags, PageEditor& page) {
  switch (plan.type) {
    case SplitType::append:
      return;  // nothing leaves it, and its prefix stays
    case SplitType::vertical: {
      page.erase_from(0);
      page.set_flags(flags);
      std::array<std::byte, sizeof new_page> pointer;
      store_le(pointer.data(), new_page);
      NodeParts only;
      only.data = pointer;
      const bool put = page.insert(0, only);
      STILLFRAME_CHECK(put, "an emptied root has room for a pointer");
      return;
    }
    case SplitType::right: {
      const Nodes own = Nodes(nodes).first(plan.line_split);
      const Bytes prefix = prefix_of(own, plan.line_prefix_source);
      page.erase_from(0);
      const bool set = page.set_external_header(prefix);
      STILLFRAME_CHECK(set, "an emptied page has room for its prefix");
      put_nodes(own, prefix, page);
      page.set_flags(flags);
      return;
    }
  }
}

}  // namespace stillframe::ese

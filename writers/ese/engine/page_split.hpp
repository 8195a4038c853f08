// Splitting a page in two. A split is planned once, by the engine, in the terms of its log record;
// carrying it out is the same code for the engine and for redo, so that both come to the same
// pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "writers/ese/format/page.hpp"
#include "writers/ese/format/page_editor.hpp"

namespace stillframe::ese {

// A node off its page.
struct LooseNode {
  std::vector<std::byte> key;
  std::vector<std::byte> data;
  std::uint8_t flags = 0;  // without kNodeCompressed, which depends on the page it goes to

  friend bool operator==(const LooseNode&, const LooseNode&) = default;
};

std::vector<LooseNode> take_nodes(const PageView& page);

// The node as it is put on a page with this prefix.
NodeParts parts_of(const LooseNode& node, Bytes prefix);
// What the nodes take there, their tags and the prefix included.
std::size_t bytes_on_page(std::span<const LooseNode> nodes, Bytes prefix);

// What an operation puts on a page: a node; on an internal page one that points to the child that
// was split, and the page beside it, to which the node behind it points from then on.
struct NewNode {
  LooseNode node;
  Pgno new_child = Pgno::null;
};

// The numbers are those of the log record.
enum class SplitType : std::uint8_t {
  vertical = 0,  // a root: all nodes move down to the new page
  right = 1,     // the nodes from some line on move to the new page
  append = 2,    // only the new node goes to the new page
};
enum class SplitOperation : std::uint8_t {
  none = 0,
  insert = 1,
  replace = 2,
  flag_insert_and_replace = 3,
};

// Lines are counted after the operation: an inserted node has one.
struct SplitPlan {
  SplitType type = SplitType::right;
  SplitOperation operation = SplitOperation::none;
  std::size_t line_operation = 0;
  std::size_t line_split = 0;  // the first that goes to the new page
  std::size_t lines = 0;
  // Whose whole key becomes the prefix of the page; -1 for no prefix. Of the new page counted from
  // line_split on. A source that only loses nodes to an append keeps its prefix.
  std::int32_t line_prefix_source = -1;
  std::int32_t line_prefix_new = -1;
  // What the parent tells the two pages apart by: above the last key of the source and not above
  // the first of the new page, and no longer than that takes.
  std::vector<std::byte> separator;
};

// How to split `page`, which has no room for `node` at `line` by way of `operation`. At the right
// end of its tree (`last_of_tree`) an insertion into a leaf behind all others is an append, so that
// rows that come in order fill their pages. Fails (RecordTooBig) when no split gives every node a
// place. A root is always split vertically, without the operation. `kept` is, of every line before
// the operation, how many bytes are to stay free beside it for undoing; none at all if it is empty.
Result<SplitPlan> plan_split(const PageView& page, SplitOperation operation, std::size_t line,
                             const NewNode& wanted, bool last_of_tree,
                             std::vector<std::size_t> kept = {});

// Turns the nodes of the source into those of both pages: carries the operation out.
void carry_out(const SplitPlan& plan, const NewNode& wanted, std::vector<LooseNode>& nodes);

// Fills the new page, formatted by the caller with its flags and object: nodes and prefix.
void fill_new_page(const SplitPlan& plan, const std::vector<LooseNode>& nodes, PageEditor& page);

// Takes from the source what went to the new page; `flags` are those of the source afterwards.
// Links to siblings and the parent are the caller's.
void shrink_source_page(const SplitPlan& plan, const std::vector<LooseNode>& nodes, Pgno new_page,
                        std::uint32_t flags, PageEditor& page);

// The shortest key above `left` and not above `right`, where left < right.
std::vector<std::byte> shortest_separator(Bytes left, Bytes right);

}  // namespace stillframe::ese

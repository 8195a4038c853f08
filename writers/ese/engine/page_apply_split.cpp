// Splits: the record of each level and the node that made them necessary are one change.
#include <algorithm>
#include <array>

#include "writers/ese/engine/page_change.hpp"
#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/record_image.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kFlagsKeptByRoots = kPageFdpDelete | kPageFlushType;

std::vector<std::byte> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

struct Split {
  SplitFields fields;
  Bytes separator, image;
  std::uint32_t image_flags = 0;

  Pgno source() const { return fields.page.page; }
  bool vertical() const { return type() == SplitType::vertical; }
  SplitType type() const { return static_cast<SplitType>(fields.split_type); }
  SplitOperation operation() const { return static_cast<SplitOperation>(fields.operation); }
};

Split decode_split(const RecordChange& change) {
  const auto record = change.decoded<SplitRecord2>();
  return {record.fixed.split, record.parts[0], record.parts[3], record.fixed.image_flags};
}

SplitPlan plan_of(const Split& split) {
  SplitPlan plan;
  plan.type = split.type();
  plan.operation = split.operation();
  plan.line_operation = split.fields.line_operation;
  plan.line_split = split.fields.line_split;
  plan.lines = split.fields.lines;
  plan.line_prefix_source = split.fields.line_prefix_source;
  plan.line_prefix_new = split.fields.line_prefix_new;
  plan.separator = copy_of(split.separator);
  return plan;
}

// Whether the numbers in the record can be true together.
Status check_plan(const RecordChange& change, const Split& split) {
  const SplitFields& f = split.fields;
  const auto refuse = [&](const char* why) { return change.contradiction(split.source(), why); };
  if (f.split_type > static_cast<std::uint8_t>(SplitType::append) ||
      f.operation > static_cast<std::uint8_t>(SplitOperation::flag_insert_and_replace)) {
    return refuse("it is of a kind that does not exist");
  }
  if (split.vertical() && f.line_split != 0) {
    return refuse("a root that splits keeps no nodes");
  }
  if (!split.vertical() && (f.line_split == 0 || f.line_split >= f.lines)) {
    return refuse("one of the pages would get no nodes");
  }
  const bool operates = split.operation() != SplitOperation::none;
  if (operates && f.line_operation >= f.lines) return refuse("its operation is behind all lines");
  if (split.type() == SplitType::append && split.operation() != SplitOperation::insert) {
    return refuse("nothing is appended");
  }
  const auto within = [](std::int32_t line, std::size_t lines) {
    return line == -1 || (line >= 0 && static_cast<std::size_t>(line) < lines);
  };
  const std::size_t staying = split.vertical() ? std::size_t{f.lines} : f.line_split;
  if (!within(f.line_prefix_source, staying) ||
      !within(f.line_prefix_new, std::size_t{f.lines} - f.line_split)) {
    return refuse("a prefix is taken from a line that is not there");
  }
  return Ok{};
}

// --- The node that the page had no room for.

Result<LooseNode> wanted_in_leaf(const RecordChange& leaf_operation, Pgno source,
                                 const std::vector<LooseNode>& nodes, std::size_t line) {
  const auto header = decode<NodeRecordHeader>(leaf_operation.record().bytes);
  const bool versioned = (header.page.flags & PageRecordHeader::kVersioned) != 0;
  const unsigned mark = versioned ? unsigned{kNodeVersion} : 0U;
  LooseNode node;
  if (leaf_operation.type() == RecordType::insert) {
    const auto record = leaf_operation.decoded<InsertRecord>();
    node.key = copy_of(record.parts[0]);
    node.key.insert(node.key.end(), record.parts[1].begin(), record.parts[1].end());
    node.data = copy_of(record.parts[2]);
    node.flags = static_cast<std::uint8_t>(mark);
    return node;
  }
  node = nodes[line];
  if (leaf_operation.type() == RecordType::flag_insert_and_replace) {
    node.data = copy_of(leaf_operation.decoded<FlagInsertAndReplaceRecord>().parts[1]);
    node.flags = static_cast<std::uint8_t>((node.flags & ~unsigned{kNodeDeleted}) | mark);
    return node;
  }
  auto data = replaced_data(leaf_operation, source, node.data, OldSize::not_said);
  if (!data.ok()) return data.error();
  node.data = std::move(data).value();
  node.flags = static_cast<std::uint8_t>(node.flags | mark);
  return node;
}

bool fits_operation(RecordType type, SplitOperation operation) {
  switch (operation) {
    case SplitOperation::none:
      return false;
    case SplitOperation::insert:
      return type == RecordType::insert;
    case SplitOperation::replace:
      return type == RecordType::replace || type == RecordType::replace_diff;
    case SplitOperation::flag_insert_and_replace:
      return type == RecordType::flag_insert_and_replace;
  }
  return false;
}

// `below` is the next record: of the page that splits below this one, or of the leaf's new node.
Result<NewNode> wanted_node(const RecordChange& change, const Split& split,
                            const RecordChange* below, const std::vector<LooseNode>& nodes) {
  NewNode wanted;
  if (split.operation() == SplitOperation::none) return wanted;
  if (below == nullptr) {
    return change.contradiction(split.source(), "the record of its operation is not in the macro");
  }
  if (below->type() == RecordType::split2) {
    const Split child = decode_split(*below);
    wanted.node.key = copy_of(child.separator);
    wanted.node.data.resize(sizeof(Pgno));
    store_le(wanted.node.data.data(), child.source());
    wanted.new_child = child.fields.new_page;
    return wanted;
  }
  if (!fits_operation(below->type(), split.operation())) {
    return below->contradiction(split.source(), "it is not the operation that the split names");
  }
  auto node = wanted_in_leaf(*below, split.source(), nodes, split.fields.line_operation);
  if (!node.ok()) return node.error();
  wanted.node = std::move(node).value();
  return wanted;
}

// --- The nodes that both pages share out.

bool only_new_node_moves(const Split& split) {
  const SplitFields& f = split.fields;
  return split.operation() == SplitOperation::insert && f.line_operation == f.line_split &&
         f.line_split + 1 == f.lines;
}

// As they were on the source page, before the operation.
Result<std::vector<LooseNode>> nodes_before(const RecordChange& change, const Split& split) {
  if (change.page(split.source()).change) {
    return take_nodes(PageView(change.page(split.source()).bytes));
  }
  if (!split.image.empty()) {
    return nodes_of_image(change, split.source(), split.image, split.image_flags);
  }
  if (only_new_node_moves(split)) return std::vector<LooseNode>(split.fields.line_split);
  return change.misfit(split.source(),
                       "it has been split already, the new page has not, and the record has no "
                       "image of the nodes that moved");
}

Status check_nodes(const RecordChange& change, const Split& split,
                   const std::vector<LooseNode>& nodes) {
  const bool inserts = split.operation() == SplitOperation::insert;
  if (nodes.size() + (inserts ? 1 : 0) != split.fields.lines) {
    return change.misfit(split.source(), "it has " + std::to_string(nodes.size()) +
                                             " lines, which are not those of the record");
  }
  const bool internal = !PageView(change.page(split.source()).bytes).leaf();
  if (inserts && internal && split.fields.line_operation >= nodes.size()) {
    return change.contradiction(split.source(), "no pointer is behind the new one");
  }
  return Ok{};
}

// --- The pages.

bool fills(const std::vector<LooseNode>& nodes, std::size_t from, std::size_t to,
           std::int32_t prefix_line, std::size_t room) {
  const auto own = std::span(nodes).subspan(from, to - from);
  const Bytes prefix =
      prefix_line < 0 ? Bytes{} : Bytes(own[static_cast<std::size_t>(prefix_line)].key);
  return bytes_on_page(own, prefix) <= room;
}

std::size_t room_without_nodes(const PageView& page) {
  std::size_t room = page.free_bytes() + page.external_header().size();
  for (std::size_t line = 0; line < page.lines(); ++line) {
    room += page.tag(line + page.reserved_tags()).size + kTagBytes;
  }
  return room;
}

Status make_new_page(const RecordChange& change, const Split& split, const SplitPlan& plan,
                     const std::vector<LooseNode>& nodes) {
  auto page = change.to_change(split.fields.new_page);
  if (!page) return Ok{};
  const SplitFields& f = split.fields;
  page->format(f.new_page, f.objid, f.new_flags, f.page.dbtime);
  if (!fills(nodes, plan.line_split, nodes.size(), plan.line_prefix_new,
             page->view().free_bytes())) {
    return change.contradiction(f.new_page, "what goes to the new page does not fit there");
  }
  fill_new_page(plan, nodes, *page);
  page->set_uncommitted_free_bytes(
      std::min<std::size_t>(f.new_uncommitted, page->view().free_bytes()));
  if (page->view().leaf() && !split.vertical()) {
    page->set_previous(split.source());
    page->set_next(f.right);
  }
  return Ok{};
}

Status shrink_source(const RecordChange& change, const Split& split, const SplitPlan& plan,
                     const std::vector<LooseNode>& nodes) {
  auto page = change.to_change(split.source());
  if (!page) return Ok{};
  const SplitFields& f = split.fields;
  const std::uint32_t before = page->view().flags();
  if (plan.type == SplitType::right && !fills(nodes, 0, plan.line_split, plan.line_prefix_source,
                                              room_without_nodes(page->view()))) {
    return change.contradiction(split.source(), "what stays on the page does not fit there");
  }
  if (split.vertical()) {
    if (!page->view().root()) return change.misfit(split.source(), "it is not a root");
    const std::uint32_t after =
        (f.source_flags & ~kFlagsKeptByRoots) | (before & kFlagsKeptByRoots);
    shrink_source_page(plan, nodes, f.new_page, after, *page);
    // A space tree's root has its prefix behind the split buffer; no node needs it any more.
    if (page->view().has(kPageSpace) && !page->view().prefix().empty()) {
      const auto buffer = copy_of(page->view().external_header().first(kSplitBufferBytes));
      (void)page->set_external_header(buffer);  // shorter than it was
    }
  } else {
    if (page->view().root()) return change.misfit(split.source(), "a root has no page beside it");
    shrink_source_page(plan, nodes, f.new_page, before, *page);
    if (page->view().leaf()) page->set_next(f.new_page);
  }
  page->set_uncommitted_free_bytes(
      std::min<std::size_t>(f.source_uncommitted, page->view().free_bytes()));
  return Ok{};
}

Status split_in_two(const RecordChange& change, const Split& split, const RecordChange* below) {
  if (Status plan = check_plan(change, split); !plan.ok()) return plan;
  const bool source_changes = change.page(split.source()).change;
  const bool new_changes = change.page(split.fields.new_page).change;
  if (source_changes || new_changes) {
    auto nodes = nodes_before(change, split);
    if (!nodes.ok()) return nodes.error();
    if (Status fit = check_nodes(change, split, nodes.value()); !fit.ok()) return fit;
    const auto wanted = wanted_node(change, split, below, nodes.value());
    if (!wanted.ok()) return wanted.error();
    const SplitPlan plan = plan_of(split);
    carry_out(plan, wanted.value(), nodes.value());
    if (Status made = make_new_page(change, split, plan, nodes.value()); !made.ok()) return made;
    if (Status shrunk = shrink_source(change, split, plan, nodes.value()); !shrunk.ok()) {
      return shrunk;
    }
  }
  if (split.fields.right != Pgno::null) {
    if (auto right = change.to_change(split.fields.right)) {
      right->set_previous(split.fields.new_page);
    }
  }
  return Ok{};
}

// The first line whose separator is not below `key`; the last, which is open, if there is none.
std::size_t pointer_line(const PageView& page, const KeyView& key) {
  std::size_t low = 0, high = page.lines() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (compare_keys(page.node(middle).key, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// The page above the topmost that splits: a pointer to the new page beside that of the old one.
Status insert_pointer(const RecordChange& change, const Split& parent, const RecordChange* below) {
  if (below == nullptr || below->type() != RecordType::split2) {
    return change.contradiction(parent.source(), "the record of the page that splits is missing");
  }
  auto page = change.to_change(parent.source());
  if (!page) return Ok{};
  const Split child = decode_split(*below);
  const PageView view = page->view();
  if (view.leaf() || view.lines() == 0) {
    return change.misfit(parent.source(), "it is not the parent of a page");
  }
  const std::size_t line = pointer_line(view, {{}, child.separator});
  if (view.child(line) != child.source()) {
    return change.misfit(parent.source(), "line " + std::to_string(line) +
                                              " does not point to the page that splits");
  }
  LooseNode node;
  node.key = copy_of(child.separator);
  node.data.resize(sizeof(Pgno));
  store_le(node.data.data(), child.source());
  if (!page->insert(line, parts_of(node, view.prefix()))) {
    return change.misfit(parent.source(), "no room for another pointer");
  }
  store_le(page->data(line + 1).data(), child.fields.new_page);
  page->set_uncommitted_free_bytes(
      std::min(page->view().uncommitted_free_bytes(), page->view().free_bytes()));
  return Ok{};
}

}  // namespace

Result<std::vector<LooseNode>> nodes_of_image(const RecordChange& change, Pgno pgno, Bytes image,
                                              std::uint32_t image_flags) {
  const std::string where = change_name(change.record(), pgno, change.context().database);
  const auto expand = [](Bytes data, std::size_t bytes_max) -> Result<std::vector<std::byte>> {
    auto plain = decompress(data);
    if (plain.ok() && plain.value().size() > bytes_max) {
      return ese_error(EseErr::decompression_failed, "it becomes longer than a page");
    }
    return plain;
  };
  auto page = restore_page_image(image, image_flags, change.page_bytes(), expand, where);
  if (!page.ok()) return page.error();
  if (Status whole = check_page_structure(page.value(), change.context().database, pgno);
      !whole.ok()) {
    return change.contradiction(pgno, whole.error().what());
  }
  return take_nodes(PageView(page.value()));
}

Status apply_split(std::span<const RecordChange> changes) {
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const RecordChange& change = changes[i];
    if (change.type() != RecordType::split2) continue;  // the leaf's operation went with its split
    const RecordChange* below = i + 1 < changes.size() ? &changes[i + 1] : nullptr;
    const Split split = decode_split(change);
    const Status done = split.fields.new_page == Pgno::null ? insert_pointer(change, split, below)
                                                            : split_in_two(change, split, below);
    if (!done.ok()) return done;
  }
  return Ok{};
}

void set_plan(const SplitPlan& plan, SplitFields& fields) {
  fields.split_type = static_cast<std::uint8_t>(plan.type);
  fields.operation = static_cast<std::uint8_t>(plan.operation);
  fields.line_operation = static_cast<std::uint16_t>(plan.line_operation);
  fields.line_split = static_cast<std::uint16_t>(plan.line_split);
  fields.lines = static_cast<std::uint16_t>(plan.lines);
  fields.line_prefix_source = plan.line_prefix_source;
  fields.line_prefix_new = plan.line_prefix_new;
}

bool split_needs_image(const SplitPlan& plan) {
  if (plan.type == SplitType::append) return false;
  return plan.operation != SplitOperation::insert || plan.line_operation != plan.line_split ||
         plan.line_split + 1 != plan.lines;
}

}  // namespace stillframe::ese

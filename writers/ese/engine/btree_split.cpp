// Making room: splits over as many levels as it takes, together with the change of the node that
// needs it.
#include <algorithm>
#include <numeric>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/btree_versions.hpp"
#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_image.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

SplitOperation split_operation(RecordType type) {
  switch (type) {
    case RecordType::insert:
      return SplitOperation::insert;
    case RecordType::flag_insert_and_replace:
      return SplitOperation::flag_insert_and_replace;
    default:
      return SplitOperation::replace;
  }
}

std::uint16_t word_sum_of(std::span<const std::size_t> counts) {
  return static_cast<std::uint16_t>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
}

// A pointer to `child` below `separator`, beside which `new_child` comes.
NewNode pointer_to(Pgno child, const std::vector<std::byte>& separator, Pgno new_child) {
  NewNode pointer;
  pointer.node.key = separator;
  pointer.node.data.resize(sizeof child);
  store_le(pointer.node.data.data(), child);
  pointer.new_child = new_child;
  return pointer;
}

bool fits_alone(const PageView& page, const LooseNode& node) {
  const std::size_t needed = parts_of(node, {}).body_bytes() + 2 * kTagBytes;
  return page.header_bytes() + needed <= page.bytes().size();
}

// The page as it was, without its free space, for a redo that finds it split already.
std::vector<std::byte> image_of(const PageRef& page) {
  std::vector<std::byte> copy(page.bytes().begin(), page.bytes().end());
  PageEditor(copy).compact();
  return dehydrate_page(copy);
}

// The key that becomes the prefix of what stays on the page. Lines of a plan are counted with the
// operation done.
std::vector<std::byte> prefix_key(const SplitPlan& plan, const PageView& page,
                                  const LooseNode& wanted) {
  if (plan.line_prefix_source < 0) return {};
  auto line = static_cast<std::size_t>(plan.line_prefix_source);
  if (plan.operation == SplitOperation::insert) {
    if (line == plan.line_operation) return wanted.key;
    line -= line > plan.line_operation ? 1 : 0;
  }
  return bookmark_of(page, line).key;
}

}  // namespace

Status BTree::change_by_splitting(OpenTransaction& transaction, const BookmarkView& node,
                                  const Prepare& prepare) {
  std::vector<Pgno> spare;
  Status done = Ok{};
  // Nearly always it is one page that is needed, so that it is taken before anybody looks.
  for (std::size_t needed = 1; done.ok() && needed > 0;) {
    while (done.ok() && spare.size() < needed) {
      auto page = pool_.take(transaction);
      if (page.ok()) spare.push_back(page.value());
      if (!page.ok()) done = page.error();
    }
    if (!done.ok()) break;
    auto lacking = try_splitting(transaction, node, prepare, spare);
    if (lacking.ok()) needed = lacking.value();
    if (!lacking.ok()) done = lacking.error();
  }
  for (const Pgno pgno : spare) {
    Status given = pool_.give_back(transaction, pgno);
    if (done.ok() && !given.ok()) done = given;
  }
  return done;
}

// From the root down exclusively, and all of it kept: a split may go up to the top.
Result<std::vector<PageRef>> BTree::fix_path(const KeyView& key) const {
  std::vector<PageRef> path;
  Pgno next = id_.root;
  while (path.size() < kTreeDepthMax) {
    auto page = fix_linked(next, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    path.push_back(std::move(page).value());
    const PageView view(path.back().bytes());
    if (view.leaf()) return path;
    if (view.lines() == 0) break;
    next = view.child(line_to_descend(view, key));
  }
  return ese_error(EseErr::database_corrupted,
                   page_text(database_.store, id_.root) + " is the root of a tree without leaves");
}

Result<std::size_t> BTree::try_splitting(OpenTransaction& transaction, const BookmarkView& node,
                                         const Prepare& prepare, std::vector<Pgno>& spare) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  auto fixed = fix_path(node.joined());
  if (!fixed.ok()) return fixed.error();
  std::vector<PageRef>& path = fixed.value();
  const PageView leaf(path.back().bytes());
  auto operation = prepare(leaf);
  if (!operation.ok()) return operation.error();
  if (!operation.value()) return std::size_t{0};
  if (has_room(leaf, *operation.value())) {
    Status done = apply(transaction, path.back(), *operation.value());
    return done.ok() ? Result<std::size_t>(std::size_t{0}) : done.error();
  }
  auto levels = plan_levels(path, *operation.value());
  if (!levels.ok()) return levels.error();
  const std::size_t needed = levels.value().size();
  if (spare.size() < needed) return needed;
  if (levels.value().back().depth == 0) {
    Status split = split_root(transaction, path.front(), spare.back());
    if (!split.ok()) return split.error();
    spare.pop_back();
    return needed;  // what was at the root is one level further down now: look again
  }
  Status done = split_levels(transaction, path, levels.value(), *operation.value(), spare);
  if (!done.ok()) return done.error();
  const bool made = levels.value().front().plan.operation != SplitOperation::none;
  return made ? std::size_t{0} : needed;
}

// From the leaf up to the first page with room for one more pointer, or to the root, which is
// always split alone. The leaf's plan may be one without the operation, to be made afterwards.
Result<std::vector<BTree::LevelSplit>> BTree::plan_levels(const std::vector<PageRef>& path,
                                                          const NodeOperation& operation) const {
  std::vector<LevelSplit> levels;
  NewNode wanted{operation.node, Pgno::null};
  SplitOperation how = split_operation(operation.type);
  std::size_t line = operation.line;
  for (std::size_t depth = path.size(); depth-- > 0;) {
    const PageView page(path[depth].bytes());
    if (depth + 1 < path.size()) {
      const Pgno child = path[depth + 1].pgno();
      wanted = pointer_to(child, levels.back().plan.separator, Pgno::null);
      how = SplitOperation::insert;
      line = line_of_child(page, child);
      const std::size_t size = parts_of(wanted.node, page.prefix()).body_bytes() + kTagBytes;
      if (size <= page.free_bytes() && page.tags() < kTagsMax) break;
    }
    std::vector<std::size_t> kept =
        page.leaf() ? kept_for_undo(page) : std::vector<std::size_t>(page.lines());
    if (how != SplitOperation::insert) kept[line] = 0;
    auto plan = plan_split(page, how, line, wanted, page.next() == Pgno::null, kept);
    if (!plan.ok() && page.leaf() && fits_alone(page, wanted.node) && page.lines() > 1) {
      // Between two large nodes: they are parted first, and then there is a place for it.
      how = SplitOperation::none;
      plan = plan_split(page, how, line, {}, false, kept_for_undo(page));
    }
    if (!plan.ok()) return plan.error();
    if (plan.value().type == SplitType::vertical) {
      return std::vector<LevelSplit>{{0, std::move(plan).value(), std::move(kept)}};
    }
    if (how == SplitOperation::insert) {
      kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(line), 0);
    }
    levels.push_back({depth, std::move(plan).value(), std::move(kept)});
  }
  return levels;
}

Status BTree::split_root(OpenTransaction& transaction, PageRef& root, Pgno new_page) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  if (auto undo = database_.log_undo_of(root.pgno(), root.bytes()); !undo.ok()) return undo.error();
  auto made = database_.cache.fix_new(database_.id, new_page);
  if (!made.ok()) return made.error();
  const PageView view(root.bytes());
  auto plan = plan_split(view, SplitOperation::none, 0, {}, false);
  if (!plan.ok()) return plan.error();
  LoggedChange change(database_, author.value(), {&root, &made.value()});
  SplitRecord2 record = split_record(change.header(root, 0, record_flags(false)));
  SplitFields& fields = record.split;
  fields.new_page = new_page;
  set_plan(plan.value(), fields);
  fields.new_flags = view.flags() & ~std::uint32_t{kPageRoot};
  fields.source_flags = view.flags() & ~std::uint32_t{kPageLeaf | kPageParentOfLeaf};
  if (view.leaf()) fields.source_flags |= kPageParentOfLeaf;
  fields.new_uncommitted = static_cast<std::uint16_t>(view.uncommitted_free_bytes());
  const std::vector<std::byte> image = image_of(root);
  if (image.size() < view.bytes().size()) record.image_flags = PageImageFlags::kDehydrated;
  const Bytes prefix = view.prefix();
  change.add(encode_record(record, {Bytes{}, prefix, Bytes{}, Bytes(image)}));
  return change.carry_out();
}

// The pages beside the path that a split touches: the leaf's right sibling, if it has one, and then
// a new page for each level, the leaf's first.
struct BTree::Beside {
  std::vector<PageRef> pages;
  Pgno right = Pgno::null;

  const PageRef& made(std::size_t level) const {
    return pages[level + (right == Pgno::null ? 0 : 1)];
  }
  Dbtime right_dbtime() const {
    return right == Pgno::null ? Dbtime::nil : PageView(pages.front().bytes()).dbtime();
  }
};

Result<BTree::Beside> BTree::fix_beside(const PageRef& leaf, std::size_t levels,
                                        const std::vector<Pgno>& spare) const {
  Beside beside;
  beside.right = PageView(leaf.bytes()).next();
  if (beside.right != Pgno::null) {
    auto page = fix_linked(beside.right, LatchMode::exclusive);
    if (!page.ok()) return page.error();
    beside.pages.push_back(std::move(page).value());
  }
  for (std::size_t i = 0; i < levels; ++i) {
    auto page = database_.cache.fix_new(database_.id, spare[spare.size() - 1 - i]);
    if (!page.ok()) return page.error();
    beside.pages.push_back(std::move(page).value());
  }
  return beside;
}

SplitRecord2 BTree::split_record(const PageRecordHeader& header) const {
  SplitRecord2 record;
  record.split.page = header;
  record.split.right_before = Dbtime::nil;
  record.split.parent_before = Dbtime::nil;
  record.split.fdp = id_.root;
  record.split.objid = id_.objid;
  record.split.split_type = static_cast<std::uint8_t>(SplitType::right);
  record.split.line_prefix_source = -1;
  record.split.line_prefix_new = -1;
  return record;
}

// The record of one level. `wanted` is what its plan puts on it.
std::vector<std::byte> BTree::level_record(const LoggedChange& change,
                                           const std::vector<PageRef>& path,
                                           const LevelSplit& level, const NewNode& wanted,
                                           const Beside& beside, Pgno new_page) const {
  const PageRef &source = path[level.depth], &parent = path[level.depth - 1];
  const PageView view(source.bytes());
  SplitRecord2 record = split_record(change.header(source, 0, record_flags(false)));
  SplitFields& fields = record.split;
  set_plan(level.plan, fields);
  fields.new_page = new_page;
  if (view.leaf()) {
    fields.right = beside.right;
    fields.right_before = beside.right_dbtime();
  }
  fields.parent = parent.pgno();
  fields.parent_before = PageView(parent.bytes()).dbtime();
  fields.new_flags = view.flags();
  fields.source_flags = view.flags();
  const std::span<const std::size_t> kept(level.kept);
  fields.source_uncommitted = word_sum_of(kept.first(level.plan.line_split));
  fields.new_uncommitted = word_sum_of(kept.subspan(level.plan.line_split));
  std::vector<std::byte> image;
  if (split_needs_image(level.plan)) image = image_of(source);
  if (!image.empty() && image.size() < view.bytes().size()) {
    record.image_flags = PageImageFlags::kDehydrated;
  }
  const std::vector<std::byte> new_prefix = prefix_key(level.plan, view, wanted.node);
  return encode_record(
      record, {Bytes(level.plan.separator), view.prefix(), Bytes(new_prefix), Bytes(image)});
}

// Topmost first, as redo wants them: the page above that gets a pointer, the pages that split, and
// the change of the node.
Status BTree::split_levels(OpenTransaction& transaction, std::vector<PageRef>& path,
                           const std::vector<LevelSplit>& levels, const NodeOperation& operation,
                           std::vector<Pgno>& spare) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  // Once its nodes are parted, each page may be in its file without the other: of a node that was
  // replaced before it moved redo finds neither the old state on the one nor the record of it.
  if (auto undo = database_.log_undo_of(path.back().pgno(), path.back().bytes()); !undo.ok())
    return undo.error();
  const bool operates = levels.front().plan.operation != SplitOperation::none;
  NotedVersions noted(*this, transaction);
  if (operates) {
    if (Status s = noted.add(operation.node, operation.versions); !s.ok()) return s;
  }
  auto beside = fix_beside(path.back(), levels.size(), spare);
  if (!beside.ok()) return beside.error();
  const std::size_t above = levels.back().depth - 1;
  std::vector<PageRef*> held;
  for (std::size_t depth = above; depth < path.size(); ++depth) held.push_back(&path[depth]);
  for (PageRef& page : beside.value().pages) held.push_back(&page);

  LoggedChange change(database_, author.value(), held);
  change.add(encode_record(split_record(change.header(path[above], 0, record_flags(false))), {}));
  for (std::size_t i = levels.size(); i-- > 0;) {
    const Pgno new_page = beside.value().made(i).pgno();
    const NewNode wanted =
        i == 0 ? NewNode{operation.node, Pgno::null}
               : pointer_to(path[levels[i].depth + 1].pgno(), levels[i - 1].plan.separator,
                            beside.value().made(i - 1).pgno());
    change.add(level_record(change, path, levels[i], wanted, beside.value(), new_page));
  }
  if (operates) {
    PageRecordHeader header =
        change.header(path.back(), operation.line, record_flags(!operation.versions.empty()));
    header.before = Dbtime::nil;  // the split's record has it
    change.add(record_of(operation, header, noted.numbers(), {}));
  }
  if (Status s = change.carry_out(); !s.ok()) return s;
  noted.keep();
  spare.resize(spare.size() - levels.size());
  return Ok{};
}

}  // namespace stillframe::ese

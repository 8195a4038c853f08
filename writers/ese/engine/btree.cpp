#include "writers/ese/engine/btree.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/engine/btree_versions.hpp"
#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/record_diff.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kLargePage = 8192;

std::size_t grown_by(std::size_t now, std::size_t before) {
  return now > before ? now - before : 0;
}

}  // namespace

BTree::BTree(OpenDatabase& database, const TreeId& id, PagePool& pool)
    : database_(database), id_(id), pool_(pool) {
  if (!id.space) database.know_tree(id.objid, id.root);
}

std::uint8_t BTree::record_flags(bool versioned) const {
  return static_cast<std::uint8_t>((versioned ? PageRecordHeader::kVersioned : 0) |
                                   (id_.unique ? PageRecordHeader::kUnique : 0) |
                                   (id_.space ? PageRecordHeader::kSpace : 0));
}

// ---- Finding leaves

Result<PageRef> BTree::fix_linked(Pgno pgno, LatchMode mode) const {
  auto page = database_.cache.fix(database_.id, pgno, mode);
  if (!page.ok()) return page;
  const PageView view(page.value().bytes());
  if (view.objid() == id_.objid && !view.has(kPageEmpty) && !view.has(kPagePreInit) &&
      view.has(kPageSpace) == id_.space) {
    return page;
  }
  return ese_error(EseErr::bad_page_link,
                   page_text(database_.store, pgno) + " is linked to object " +
                       std::to_string(static_cast<std::uint32_t>(id_.objid)) +
                       " but is not a page of it");
}

// One page after the other; the one above is given back once the one below is latched. Only a leaf
// gets `leaf_mode`, and pages above leaves say that they are.
Result<PageRef> BTree::descend(const Descend& choose, LatchMode leaf_mode) const {
  auto page = fix_linked(id_.root, LatchMode::shared);
  if (page.ok() && PageView(page.value().bytes()).leaf() && leaf_mode == LatchMode::exclusive) {
    page = Error(Errc::in_use, "");  // gives the latch back before it is asked for again
    page = fix_linked(id_.root, LatchMode::exclusive);
  }
  for (std::size_t depth = 0; page.ok() && depth < kTreeDepthMax; ++depth) {
    const PageView view(page.value().bytes());
    if (view.leaf()) return page;
    if (view.lines() == 0) break;
    const bool leaf_next = view.has(kPageParentOfLeaf);
    auto below = fix_linked(view.child(choose(view)), leaf_next ? leaf_mode : LatchMode::shared);
    page = std::move(below);
  }
  if (!page.ok()) return page;
  return ese_error(EseErr::database_corrupted,
                   page_text(database_.store, id_.root) + " is the root of a tree without leaves");
}

Result<PageRef> BTree::fix_leaf(const BookmarkView& node, LatchMode mode) const {
  return descend([&](const PageView& page) { return line_to_descend(page, node.joined()); }, mode);
}

Result<PageRef> BTree::fix_leaf(End end, LatchMode mode) const {
  return descend([&](const PageView& page) { return end == End::first ? 0 : page.lines() - 1; },
                 mode);
}

std::size_t BTree::line_of_child(const PageView& page, Pgno child) {
  const NodeTable nodes(page);
  for (std::size_t line = 0; line < nodes.size(); ++line) {
    if (load_le<Pgno>(nodes[line].data.data()) == child) return line;
  }
  STILLFRAME_CHECK(false, "a path goes through a pointer that its page does not have");
}

// ---- What is to be done

Result<BTree::NodeOperation> BTree::found_operation(const PageView& leaf, const BookmarkView& node,
                                                    VersionOper oper,
                                                    const OpenTransaction& transaction) const {
  const auto [line, found] = find_line(leaf, node);
  const JoinedName joined(node);
  Status may = database_.versions.may_change(name_of(joined.bytes()), oper, transaction.state());
  if (!may.ok()) return may.error();
  if (!found || leaf.node(line).deleted()) {
    return ese_error(EseErr::record_not_found, "there is no such node");
  }
  NodeOperation operation;
  operation.line = line;
  const NodeView old = leaf.node(line);
  operation.node.key.assign(node.key.begin(), node.key.end());
  operation.node.data.assign(old.data.begin(), old.data.end());
  operation.node.flags = static_cast<std::uint8_t>((old.flags & ~kNodeCompressed) | kNodeVersion);
  return operation;
}

// A node that was deleted and is still there comes back.
Result<std::optional<BTree::NodeOperation>> BTree::insert_operation(
    const PageView& leaf, Bytes key, Bytes data, const OpenTransaction& transaction) const {
  const BookmarkView node{key, id_.unique ? Bytes{} : data};
  const auto [line, found] = find_line(leaf, node);
  const JoinedName joined(node);
  Status may = database_.versions.may_change(name_of(joined.bytes()), VersionOper::insert,
                                             transaction.state());
  if (!may.ok()) return may.error();
  NodeOperation operation;
  operation.line = line;
  operation.node = {{key.begin(), key.end()}, {data.begin(), data.end()}, kNodeVersion};
  operation.versions.push_back({VersionOper::insert, {}, 0, 0, 4});
  if (!found) return std::optional(std::move(operation));
  const NodeView old = leaf.node(line);
  if (!old.deleted()) {
    return ese_error(EseErr::key_duplicate, "there is a node with this key already");
  }
  if (compare_bytes(old.data, data) == 0) {
    operation.type = RecordType::flag_insert;
    return std::optional(std::move(operation));
  }
  operation.type = RecordType::flag_insert_and_replace;
  operation.old_data.assign(old.data.begin(), old.data.end());
  operation.versions.push_back({VersionOper::replace, operation.old_data, 0, 0, 4});
  return std::optional(std::move(operation));
}

Status BTree::insert(OpenTransaction& transaction, Bytes key, Bytes data) {
  const BookmarkView node{key, id_.unique ? Bytes{} : data};
  return change(transaction, node, [&](const PageView& leaf) {
    return insert_operation(leaf, key, data, transaction);
  });
}

Status BTree::load(OpenTransaction& transaction, Bytes key, Bytes data) {
  const BookmarkView node{key, id_.unique ? Bytes{} : data};
  return change(
      transaction, node, [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
        const auto [line, found] = find_line(leaf, node);
        if (found) {
          return ese_error(EseErr::key_duplicate, "there is a node with this key already");
        }
        NodeOperation operation;
        operation.line = line;
        operation.node = {{key.begin(), key.end()}, {data.begin(), data.end()}, 0};
        return std::optional(std::move(operation));
      });
}

Status BTree::replace(OpenTransaction& transaction, Bytes key, Bytes data) {
  STILLFRAME_CHECK(id_.unique, "data that is part of a node's name is not replaced");
  const BookmarkView node{key, {}};
  return change(transaction, node,
                [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
                  auto operation = found_operation(leaf, node, VersionOper::replace, transaction);
                  if (!operation.ok()) return operation.error();
                  NodeOperation& op = operation.value();
                  op.type = RecordType::replace;
                  op.old_data = std::exchange(op.node.data, {data.begin(), data.end()});
                  op.versions.push_back({VersionOper::replace, op.old_data, 0, 0, 4});
                  return std::optional(std::move(op));
                });
}

Status BTree::remove(OpenTransaction& transaction, const BookmarkView& node) {
  return change(
      transaction, node, [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
        auto operation = found_operation(leaf, node, VersionOper::flag_delete, transaction);
        if (!operation.ok()) return operation.error();
        NodeOperation& op = operation.value();
        op.type = RecordType::flag_delete;
        op.versions.push_back({VersionOper::flag_delete, {}, 0, 0, 4});
        return std::optional(std::move(op));
      });
}

Status BTree::add(OpenTransaction& transaction, Bytes key, std::uint16_t offset, std::int64_t delta,
                  std::uint8_t width) {
  STILLFRAME_CHECK(id_.unique, "data that is part of a node's name does not count");
  const BookmarkView node{key, {}};
  return change(
      transaction, node, [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
        auto operation = found_operation(leaf, node, VersionOper::delta, transaction);
        if (!operation.ok()) return operation.error();
        NodeOperation& op = operation.value();
        if (std::size_t{offset} + width > op.node.data.size() || (width != 4 && width != 8)) {
          return Error(Errc::invalid_argument, "a counter that is not within the node's data");
        }
        op.type = width == 8 ? RecordType::delta64 : RecordType::delta;
        op.delta = delta;
        op.offset = offset;
        op.versions.push_back({VersionOper::delta, {}, delta, offset, width});
        return std::optional(std::move(op));
      });
}

Status BTree::put(OpenTransaction& transaction, Bytes key, Bytes data) {
  const BookmarkView node{key, {}};
  return change(transaction, node,
                [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
                  const auto [line, found] = find_line(leaf, node);
                  NodeOperation operation;
                  operation.line = line;
                  operation.node = {{key.begin(), key.end()}, {data.begin(), data.end()}, 0};
                  if (!found) return std::optional(std::move(operation));
                  const Bytes old = leaf.data(line);
                  operation.type = RecordType::replace;
                  operation.old_data.assign(old.begin(), old.end());
                  return std::optional(std::move(operation));
                });
}

Status BTree::erase(OpenTransaction& transaction, Bytes key) {
  const BookmarkView node{key, {}};
  bool emptied = false;
  Status erased =
      change(transaction, node, [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
        const auto [line, found] = find_line(leaf, node);
        if (!found) return ese_error(EseErr::record_not_found, "there is no such node");
        NodeOperation operation;
        operation.type = RecordType::remove;
        operation.line = line;
        emptied = leaf.lines() == 1 && !leaf.root();
        return std::optional(std::move(operation));
      });
  if (!erased.ok() || !emptied) return erased;
  return merge_empty_leaf(transaction, node);
}

Status BTree::clean_up(OpenTransaction& transaction, const BookmarkView& node) {
  const JoinedName joined(node);
  bool emptied = false;
  Status cleaned =
      change(transaction, node, [&](const PageView& leaf) -> Result<std::optional<NodeOperation>> {
        const auto [line, found] = find_line(leaf, node);
        if (!found || !leaf.node(line).deleted() ||
            database_.versions.has_versions(name_of(joined.bytes()))) {
          return std::optional<NodeOperation>();
        }
        NodeOperation operation;
        operation.type = RecordType::remove;
        operation.line = line;
        emptied = leaf.lines() == 1 && !leaf.root();
        return std::optional(std::move(operation));
      });
  if (!cleaned.ok() || !emptied) return cleaned;
  return merge_empty_leaf(transaction, node);
}

// In a leaf the order is that of keys, then of data, so where the key ends decides; it is asked of
// the leaf, and the node may have gone meanwhile.
Status BTree::clean_up_joined(OpenTransaction& transaction, Bytes joined) {
  if (id_.unique) return clean_up(transaction, {joined, {}});
  std::optional<Bookmark> found;
  {
    auto leaf = fix_leaf({joined, {}}, LatchMode::shared);
    if (!leaf.ok()) return leaf.error();
    const PageView view(leaf.value().bytes());
    for (std::size_t line = 0; line < view.lines() && !found; ++line) {
      if (!view.node(line).deleted()) continue;
      Bookmark bookmark = bookmark_of(view, line);
      if (compare_bytes(bookmark.joined(), joined) == 0) found = std::move(bookmark);
    }
  }
  return found ? clean_up(transaction, found->view()) : Status(Ok{});
}

// Whoever gives a node a version has its leaf exclusively, as this has.
void BTree::drop_spent_marks(PageRef& leaf) const {
  if (!leaf.try_upgrade()) return;
  PageEditor page(leaf.unlogged_bytes());
  const NodeTable nodes(page.view());
  for (std::size_t line = 0; line < nodes.size(); ++line) {
    const std::uint8_t flags = nodes[line].flags;
    if ((flags & kNodeVersion) == 0) continue;
    const Bookmark bookmark = bookmark_of(page.view(), line);
    const JoinedName joined(bookmark.view());
    if (database_.versions.has_versions(name_of(joined.bytes()))) continue;
    page.set_node_flags(line, static_cast<std::uint8_t>(flags & ~kNodeVersion));
  }
}

Status BTree::check_all_seen(const OpenTransaction& transaction) const {
  auto leaf = fix_leaf(End::first, LatchMode::shared);
  while (leaf.ok()) {
    const PageView view(leaf.value().bytes());
    for (std::size_t line = 0; line < view.lines(); ++line) {
      if ((view.node_flags(line) & kNodeVersion) == 0) continue;
      const Bookmark bookmark = bookmark_of(view, line);
      const JoinedName joined(bookmark.view());
      Status may = database_.versions.may_change(name_of(joined.bytes()), VersionOper::replace,
                                                 transaction.state());
      if (!may.ok()) return may;
    }
    if (view.next() == Pgno::null) return Ok{};
    auto next = fix_linked(view.next(), LatchMode::shared);
    leaf = std::move(next);
  }
  return leaf.error();
}

// ---- Doing it

Status BTree::change(OpenTransaction& transaction, const BookmarkView& node,
                     const Prepare& prepare) {
  transaction.count_change(id_.objid);
  {
    auto leaf = fix_leaf(node, LatchMode::exclusive);
    if (!leaf.ok()) return leaf.error();
    const PageView view(leaf.value().bytes());
    auto operation = prepare(view);
    if (!operation.ok()) return operation.error();
    if (!operation.value()) return Ok{};
    if (has_room(view, *operation.value())) {
      return apply(transaction, leaf.value(), *operation.value());
    }
  }
  return change_by_splitting(transaction, node, prepare);
}

// By line, how many bytes undoing needs beside the node. The page's own count is never too low, and
// what transactions that have ended once needed stays in it.
std::vector<std::size_t> BTree::kept_for_undo(const PageView& leaf) const {
  const NodeTable nodes(leaf);
  std::vector<std::size_t> kept(nodes.size());
  if (leaf.uncommitted_free_bytes() == 0) return kept;
  for (std::size_t line = 0; line < kept.size(); ++line) {
    const NodeView node = nodes[line];
    if ((node.flags & kNodeVersion) == 0) continue;
    const Bookmark bookmark = bookmark_of(leaf, line);
    const JoinedName joined(bookmark.view());
    kept[line] = database_.versions.bytes_for_undo(name_of(joined.bytes()), node.data.size());
  }
  return kept;
}

bool BTree::has_room(const PageView& leaf, const NodeOperation& operation) const {
  std::size_t needed = 0;
  if (operation.type == RecordType::insert) {
    needed = parts_of(operation.node, leaf.prefix()).body_bytes() + kTagBytes;
    if (leaf.tags() == kTagsMax) return false;
  } else if (operation.type == RecordType::replace ||
             operation.type == RecordType::flag_insert_and_replace) {
    needed = grown_by(operation.node.data.size(), operation.old_data.size());
  }
  if (needed == 0) return true;
  if (needed > leaf.free_bytes()) return false;
  if (leaf.uncommitted_free_bytes() == 0) return true;
  std::vector<std::size_t> kept = kept_for_undo(leaf);
  // Growing back is what the bytes of this node's own undo are there for.
  if (operation.type != RecordType::insert) {
    kept[operation.line] = grown_by(kept[operation.line], needed);
  }
  return needed + std::accumulate(kept.begin(), kept.end(), std::size_t{0}) <= leaf.free_bytes();
}

Status BTree::apply(OpenTransaction& transaction, PageRef& leaf, const NodeOperation& operation) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  NotedVersions noted(*this, transaction);
  if (Status s = noted.add(operation.node, operation.versions); !s.ok()) return s;
  LoggedChange change(database_, author.value(), {&leaf});
  const std::uint8_t flags = record_flags(!operation.versions.empty());
  change.add(record_of(operation, change.header(leaf, operation.line, flags), noted.numbers(),
                       PageView(leaf.bytes()).prefix()));
  Status done = change.carry_out();
  if (done.ok()) noted.keep();
  return done;
}

// `prefix` is that of the page the node goes to; empty for a page that is about to be split.
std::vector<std::byte> BTree::record_of(const NodeOperation& operation,
                                        const PageRecordHeader& header,
                                        std::span<const Rceid> versions, Bytes prefix) const {
  const LooseNode& node = operation.node;
  const Rceid version = versions.empty() ? Rceid::none : versions.front();
  const NodeRecordHeader head{header, version, id_.root, id_.objid};
  const Bytes key = node.key, data = node.data;
  switch (operation.type) {
    case RecordType::insert: {
      const std::size_t shared = parts_of(node, prefix).prefix_bytes;
      return encode_record(InsertRecord{RecordType::insert, head, 0, 0, 0},
                           {key.first(shared), key.subspan(shared), data});
    }
    case RecordType::flag_insert:
      return encode_record(FlagInsertRecord{RecordType::flag_insert, head, 0, 0}, {key, data});
    case RecordType::flag_insert_and_replace: {
      const Rceid replaced = versions.size() > 1 ? versions[1] : Rceid::none;
      return encode_record(
          FlagInsertAndReplaceRecord{RecordType::flag_insert_and_replace, head, 0, 0, replaced},
          {key, data});
    }
    case RecordType::replace: {
      const auto old_bytes = static_cast<std::uint16_t>(operation.old_data.size());
      const auto new_bytes = static_cast<std::uint16_t>(data.size());
      const bool wide = database_.store.page_bytes() > kLargePage;
      const auto diff =
          make_diff(operation.old_data, data, wide ? DiffForm::wide : DiffForm::narrow);
      if (!diff) {
        return encode_record(ReplaceRecord{RecordType::replace, head, 0, old_bytes, new_bytes},
                             {data});
      }
      return encode_record(ReplaceDiffRecord{RecordType::replace_diff, head,
                                             wide ? ReplaceDiffRecord::kWide : std::uint16_t{0},
                                             old_bytes, new_bytes},
                           {Bytes(*diff)});
    }
    case RecordType::delta:
      return encode_record(
          DeltaRecord{RecordType::delta, head, 0, 0, static_cast<std::int32_t>(operation.delta),
                      operation.offset},
          {key, Bytes{}});
    case RecordType::delta64:
      return encode_record(
          DeltaRecord64{RecordType::delta64, head, 0, 0, operation.delta, operation.offset},
          {key, Bytes{}});
    default:
      return encode_record(LineRecord{operation.type, head});  // FlagDelete and Delete
  }
}

Status BTree::undo(const Author& author, const BookmarkView& node, Rceid version) {
  auto leaf = fix_leaf(node, LatchMode::exclusive);
  if (!leaf.ok()) return leaf.error();
  const PageView view(leaf.value().bytes());
  const auto [line, found] = find_line(view, node);
  const JoinedName joined(node);
  const NodeName name = name_of(joined.bytes());
  const auto undone = database_.versions.find(name, version);
  if (!undone.ok()) return undone.error();
  if (!found) {
    return ese_error(EseErr::database_corrupted, page_text(database_.store, leaf.value().pgno()) +
                                                     " lacks a node that has versions");
  }
  LoggedChange change(database_, author, {&leaf.value()});
  UndoRecord record;
  record.node = {change.header(leaf.value(), line, record_flags(true)), version, id_.root,
                 id_.objid};
  record.operation = static_cast<std::uint16_t>(undone.value().oper);
  record.undo_level = author.level;
  change.add(encode_record(record, {node.key, node.data}));
  ApplyContext context;
  context.undone = &undone.value();
  context.more_versions = database_.versions.count(name) > 1;
  if (Status s = change.carry_out(LogRoom::reserve, context); !s.ok()) return s;
  database_.versions.forget(name, version);
  return Ok{};
}

}  // namespace stillframe::ese

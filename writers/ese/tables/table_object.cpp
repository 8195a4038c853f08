#include "writers/ese/tables/table_object.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/record.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kRowNumberBytes = 4;
constexpr std::uint32_t kLongValueMax = 0x7FFFFF00;

}  // namespace

TableObject::TableObject(OpenDatabase& database, TreeSpace& database_space,
                         TableDefinitions& definitions, Table definition)
    : database_(database), definitions_(definitions), objid_(definition.objid) {
  rows_ = std::make_unique<Tree>(
      make({definition.root, definition.objid, true, false}, database_space));
  definition_ = std::make_shared<const Table>(std::move(definition));
}

TableObject::Tree TableObject::make(const TreeId& id, TreeSpace& parent) {
  Tree tree;
  tree.space = std::make_unique<TreeSpace>(database_, id, &parent);
  tree.tree = std::make_unique<BTree>(database_, id, *tree.space);
  return tree;
}

Result<std::shared_ptr<const Table>> TableObject::definition(const OpenTransaction& transaction) {
  {
    const std::lock_guard lock(mutex_);
    if (!stale_) return definition_;
  }
  auto loaded = definitions_.load(transaction, objid_);
  if (!loaded.ok()) return loaded.error();
  set_definition(std::move(loaded).value());
  return last_definition();
}

std::shared_ptr<const Table> TableObject::last_definition() const {
  const std::lock_guard lock(mutex_);
  return definition_;
}

void TableObject::set_definition(Table definition) {
  auto next = std::make_shared<const Table>(std::move(definition));
  const std::lock_guard lock(mutex_);
  definition_ = std::move(next);
  stale_ = false;
}

void TableObject::forget_definition() {
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

BTree& TableObject::child(const TreeId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(id.objid);
  if (found != children_.end()) return *found->second.tree;
  return *children_.emplace(id.objid, make(id, *rows_->space)).first->second.tree;
}

BTree& TableObject::index(const Index& index) {
  if (index.primary()) return rows();
  return child({index.root, index.objid, index.unique(), false});
}

BTree* TableObject::long_values(const Table& definition) {
  if (definition.long_values_root == Pgno::null) return nullptr;
  return &child({definition.long_values_root, definition.long_values_objid, true, false});
}

TreeSpace* TableObject::space_of(Objid objid) {
  if (objid == objid_) return rows_->space.get();
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(objid);
  return found == children_.end() ? nullptr : found->second.space.get();
}

BTree* TableObject::tree_of(Objid objid) {
  if (objid == objid_) return rows_->tree.get();
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(objid);
  return found == children_.end() ? nullptr : found->second.tree.get();
}

// ---- Counters

// Deleted nodes count: what they were called may be needed to undo their deletion.
// The largest in a tree, deleted ones too. The last leaf may be an empty one that could not be
// taken out when it became empty; then all leaves are asked.
Result<std::optional<std::vector<std::byte>>> TableObject::last_key(const BTree& tree) const {
  {
    const auto newest = tree.fix_leaf(BTree::End::last, LatchMode::shared);
    if (!newest.ok()) return newest.error();
    const PageView page(newest.value().bytes());
    if (page.lines() > 0) return std::optional(bookmark_of(page, page.lines() - 1).key);
  }
  std::optional<std::vector<std::byte>> last;
  auto leaf = tree.fix_leaf(BTree::End::first, LatchMode::shared);
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    if (page.lines() > 0) last = bookmark_of(page, page.lines() - 1).key;
    if (page.next() == Pgno::null) return last;
    auto next = tree.fix_linked(page.next(), LatchMode::shared);
    leaf = std::move(next);
  }
  return leaf.error();
}

Result<std::uint32_t> TableObject::next_row_number() {
  const std::lock_guard lock(counters_);
  if (!row_number_) {
    const auto last = last_key(rows());
    if (!last.ok()) return last.error();
    if (last.value() && last.value()->size() != kRowNumberBytes) {
      return ese_error(EseErr::database_corrupted, "a table without an index has an odd key");
    }
    row_number_ = last.value() ? load_be<std::uint32_t>(last.value()->data()) : 0;
  }
  return ++*row_number_;
}

Result<std::uint32_t> TableObject::next_long_value(const Table& definition) {
  const std::lock_guard lock(counters_);
  if (!long_value_) {
    const auto last = last_key(*long_values(definition));
    if (!last.ok()) return last.error();
    LongValueKey key;
    if (last.value() && (!decode_long_value_key({{}, *last.value()}, key) || key.lid.wide)) {
      return Error(Errc::not_supported,
                   "table '" + definition.name + "' has long values with 64-bit names");
    }
    long_value_ = static_cast<std::uint32_t>(key.lid.value);
  }
  if (*long_value_ >= kLongValueMax) {
    return Error(Errc::limit_reached, "table '" + definition.name +
                                          "' has no name left for a "
                                          "long value");
  }
  return ++*long_value_;
}

Result<std::int64_t> TableObject::largest(const Table& definition, const Column& column) {
  std::int64_t most = 0;
  const bool large_page = database_.store.page_bytes() > 8192;
  auto leaf = rows().fix_leaf(BTree::End::first, LatchMode::shared);
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    for (std::size_t line = 0; line < page.lines(); ++line) {
      const auto record = RecordView::open(page.data(line), large_page);
      if (!record.ok()) return record.error().while_doing("table '" + definition.name + "'");
      if (!record.value().stores_fixed(column.id)) continue;
      const auto bytes = record.value().fixed(column.offset, column.size);
      if (!bytes) continue;
      const std::int64_t value = column.size == sizeof(std::int32_t)
                                     ? load_le<std::int32_t>(bytes->data())
                                     : load_le<std::int64_t>(bytes->data());
      most = std::max(most, value);
    }
    if (page.next() == Pgno::null) return most;
    auto next = rows().fix_linked(page.next(), LatchMode::shared);
    leaf = std::move(next);
  }
  return leaf.error();
}

Result<std::int64_t> TableObject::next_auto_increment(const Table& definition,
                                                      const Column& column) {
  const std::lock_guard lock(counters_);
  if (!auto_increment_) {
    const auto most = largest(definition, column);
    if (!most.ok()) return most.error();
    auto_increment_ = most.value();
  }
  return ++*auto_increment_;
}

}  // namespace stillframe::ese

#include "writers/ese/tables/catalog.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/key.hpp"
#include "writers/ese/tables/catalog_rows.hpp"
#include "writers/ese/tables/long_value_store.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese {

namespace {

constexpr std::string_view kNameIndex = "RootObjects";
constexpr std::byte kRootFlagSet{0xFF};

// The catalog's own long values are never asked for: what is written there is short.
class NoLongValues final : public LongValueReader {
 public:
  Result<std::vector<std::byte>> read(Lid) const override {
    return Error(Errc::not_supported, "a catalog with long values");
  }
};

Value text(std::string_view from) {
  const auto* bytes = reinterpret_cast<const std::byte*>(from.data());
  return {bytes, bytes + from.size()};
}

Value little(Objid objid) {
  Value value(sizeof objid);
  store_le(value.data(), objid);
  return value;
}

// What the keys of the first columns of an index begin with.
Result<Key> key_of(const Table& table, const Index& index, const std::vector<Value>& values) {
  Key key;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Column* column = table.find_column(index.segments[i].column, false);
    Status added = append_segment(index, index.segments[i], *column, values[i], key);
    if (!added.ok()) return added.error();
  }
  return key;
}

bool begins_with(Bytes key, const Key& prefix) {
  return key.size() >= prefix.size() && compare_bytes(key.first(prefix.size()), prefix) == 0;
}

}  // namespace

// ---- Uses

TableUse::TableUse(TableUse&& other) noexcept
    : catalog_(std::exchange(other.catalog_, nullptr)),
      table_(other.table_),
      session_(other.session_) {}

TableUse& TableUse::operator=(TableUse&& other) noexcept {
  if (this == &other) return *this;
  close();
  catalog_ = std::exchange(other.catalog_, nullptr);
  table_ = other.table_;
  session_ = other.session_;
  return *this;
}

TableUse::~TableUse() {
  close();
}

void TableUse::close() noexcept {
  if (catalog_ != nullptr) catalog_->close(*table_, session_);
}

void Catalog::close(const TableObject& table, Procid session) noexcept {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(table.objid());
  const auto found = entry.users.find(session);
  if (--found->second == 0) entry.users.erase(found);
}

// ---- Opening

Catalog::Catalog(const CatalogParts& parts) : parts_(parts) {}

Catalog::Entry& Catalog::enter(Table definition) {
  Entry& entry = entries_[definition.objid];
  entry.object =
      std::make_unique<TableObject>(parts_.database, parts_.space, *this, std::move(definition));
  return entry;
}

Result<std::unique_ptr<Catalog>> Catalog::open(const CatalogParts& parts) {
  std::unique_ptr<Catalog> catalog(new Catalog(parts));
  catalog->objects_ = catalog->enter(catalog_definition()).object.get();
  const OpenTransaction reader(parts.transactions, parts.database.log, parts.session);
  // The tables of the catalog say of themselves what they are.
  for (const Objid objid : {Objid::catalog, Objid::shadow_catalog}) {
    auto loaded = catalog->load(reader, objid);
    if (!loaded.ok() && is(loaded.error(), EseErr::object_not_found)) continue;
    if (!loaded.ok()) return loaded.error();
    if (objid == Objid::catalog) {
      catalog->objects_->set_definition(std::move(loaded).value());
    } else {
      catalog->shadow_ = catalog->enter(std::move(loaded).value()).object.get();
    }
  }
  const auto ids = catalog->find(reader, "MSysObjids");
  if (!ids.ok()) return ids.error();
  if (ids.value()) {
    auto loaded = catalog->load(reader, *ids.value());
    if (!loaded.ok()) return loaded.error();
    catalog->object_ids_ = catalog->enter(std::move(loaded).value()).object.get();
  }
  if (Status s = catalog->find_last_objid(); !s.ok()) return s.error();
  return catalog;
}

// Of all that ever were, deleted ones too as long as they are there: an object's number is not
// given twice.
Status Catalog::find_last_objid() {
  const NoLongValues none;
  const bool large_page = parts_.database.store.page_bytes() > 8192;
  std::uint32_t last = static_cast<std::uint32_t>(kObjectIds);
  BTree& tree = objects_->rows();
  auto leaf = tree.fix_leaf(BTree::End::first, LatchMode::shared);
  while (leaf.ok()) {
    const PageView page(leaf.value().bytes());
    for (std::size_t line = 0; line < page.lines(); ++line) {
      const auto row = decode_catalog_row(none, page.data(line), large_page);
      if (!row.ok()) return row.error();
      last = std::max(last, static_cast<std::uint32_t>(row.value().table));
      if (row.value().type != CatalogType::column) last = std::max(last, row.value().id);
    }
    if (page.next() == Pgno::null) break;
    auto next = tree.fix_linked(page.next(), LatchMode::shared);
    leaf = std::move(next);
  }
  if (!leaf.ok()) return leaf.error();
  last_objid_ = last;
  return Ok{};
}

// ---- Looking up

Result<std::optional<Objid>> Catalog::find(const OpenTransaction& transaction,
                                           std::string_view name) {
  const auto definition = objects_->last_definition();
  const Index* index = find_index(*definition, kNameIndex);
  if (index == nullptr) {
    return ese_error(EseErr::database_corrupted, "the catalog has no index of names");
  }
  const auto key = key_of(*definition, *index, {{kRootFlagSet}, text(name)});
  if (!key.ok()) return key.error();
  BTreeReader names(objects_->index(*index), transaction.state());
  if (Status s = names.seek({key.value(), {}}); !s.ok()) return s.error();
  if (names.at_end() || compare_bytes(names.key(), key.value()) != 0) {
    return std::optional<Objid>();
  }
  const Key bookmark(names.data().begin(), names.data().end());
  BTreeReader rows(objects_->rows(), transaction.state());
  if (Status s = rows.seek({bookmark, {}}); !s.ok()) return s.error();
  if (rows.at_end() || compare_bytes(rows.key(), bookmark) != 0) {
    return ese_error(EseErr::database_corrupted,
                     "the catalog's index has '" + std::string(name) + "', the catalog has not");
  }
  const auto row =
      decode_catalog_row(NoLongValues(), rows.data(), parts_.database.store.page_bytes() > 8192);
  if (!row.ok()) return row.error();
  return std::optional(row.value().table);
}

Result<std::vector<CatalogRow>> Catalog::rows_of(const OpenTransaction& transaction, Objid objid) {
  const auto definition = objects_->last_definition();
  const auto prefix = key_of(*definition, *definition->primary_index(), {little(objid)});
  if (!prefix.ok()) return prefix.error();
  const NoLongValues none;
  std::vector<CatalogRow> rows;
  BTreeReader reader(objects_->rows(), transaction.state());
  Status moved = reader.seek({prefix.value(), {}});
  for (; moved.ok() && !reader.at_end() && begins_with(reader.key(), prefix.value());
       moved = reader.next()) {
    auto row = decode_catalog_row(none, reader.data(), parts_.database.store.page_bytes() > 8192);
    if (!row.ok()) return row.error().while_doing("reading the catalog");
    rows.push_back(std::move(row).value());
  }
  if (!moved.ok()) return moved.error().while_doing("reading the catalog");
  return rows;
}

Result<Table> Catalog::load(const OpenTransaction& transaction, Objid objid) {
  auto rows = rows_of(transaction, objid);
  if (!rows.ok()) return rows.error();
  if (rows.value().empty() || rows.value().front().type != CatalogType::table) {
    return ese_error(EseErr::object_not_found,
                     "there is no table of number " + std::to_string(static_cast<unsigned>(objid)));
  }
  const std::string name = rows.value().front().name;
  if (const std::string base = rows.value().front().template_name; !base.empty()) {
    const auto found = find(transaction, base);
    if (!found.ok()) return found.error();
    if (!found.value()) {
      return ese_error(EseErr::object_not_found,
                       "there is no table '" + base + "', of which '" + name + "' has columns");
    }
    auto more = rows_of(transaction, *found.value());
    if (!more.ok()) return more.error();
    rows.value().insert(rows.value().end(), more.value().begin(), more.value().end());
  }
  const auto schema =
      build_schema(rows.value(), parts_.database.store.page_bytes(), parts_.update_major);
  if (!schema.ok()) return schema.error();
  return *schema.value().find(name);
}

Result<TableUse> Catalog::open_table(OpenTransaction& transaction, std::string_view name) {
  const auto objid = find(transaction, name);
  if (!objid.ok()) return objid.error();
  const std::string quoted = "'" + std::string(name) + "'";
  if (!objid.value()) {
    return ese_error(EseErr::object_not_found, "there is no table " + quoted);
  }
  const std::lock_guard lock(mutex_);
  auto found = entries_.find(*objid.value());
  if (found == entries_.end()) {
    auto loaded = load(transaction, *objid.value());
    if (!loaded.ok()) return loaded.error();
    enter(std::move(loaded).value());
    found = entries_.find(*objid.value());
  }
  Entry& entry = found->second;
  if (entry.changing != nullptr && entry.changing != &transaction) {
    return ese_error(EseErr::table_locked,
                     "another session is changing what table " + quoted + " consists of");
  }
  if (entry.changed_at && !before(*entry.changed_at, transaction.state().begun())) {
    return ese_error(EseErr::write_conflict,
                     "what table " + quoted +
                         " consists of has changed since the transaction began; roll back and try "
                         "again");
  }
  const Procid session = transaction.state().session();
  ++entry.users[session];
  return TableUse(*this, *entry.object, session);
}

Result<std::vector<std::string>> Catalog::table_names(const OpenTransaction& transaction) {
  const NoLongValues none;
  std::vector<std::string> names;
  BTreeReader reader(objects_->rows(), transaction.state());
  Status moved = reader.first();
  for (; moved.ok() && !reader.at_end(); moved = reader.next()) {
    const auto row =
        decode_catalog_row(none, reader.data(), parts_.database.store.page_bytes() > 8192);
    if (!row.ok()) return row.error();
    if (row.value().type == CatalogType::table) names.push_back(row.value().name);
  }
  if (!moved.ok()) return moved.error();
  return names;
}

// ---- How transactions that changed definitions end

void Catalog::undone(const OpenTransaction& transaction, bool ended) noexcept {
  const std::lock_guard lock(mutex_);
  for (auto& [objid, entry] : entries_) {
    if (entry.changing != &transaction) continue;
    entry.object->forget_definition();
    if (!ended) continue;
    entry.changing = nullptr;
    // As it is now: whoever asks next may have begun before the table got its long values.
    const OpenTransaction now(parts_.transactions, parts_.database.log, parts_.session);
    auto loaded = load(now, objid);
    if (loaded.ok()) entry.object->set_definition(std::move(loaded).value());
  }
}

void Catalog::committed(const OpenTransaction& transaction) noexcept {
  const std::lock_guard lock(mutex_);
  const Trx at = transaction.state().committed_at();
  for (auto& [objid, entry] : entries_) {
    if (entry.changing != &transaction) continue;
    entry.changing = nullptr;
    entry.changed_at = at;
    auto now = load(transaction, objid);
    if (now.ok()) {
      drop_trees(entry, &now.value(), at);
      entry.object->set_definition(std::move(now).value());
    } else {
      // Whoever opens it next is told why it cannot be read; if it is gone, so are its pages.
      if (is(now.error(), EseErr::object_not_found)) drop_trees(entry, nullptr, at);
      entry.object->forget_definition();
    }
  }
}

// Trees that were made and dropped by one transaction are lost: their pages stay where they are, as
// after a crash.
void Catalog::drop_trees(Entry& entry, const Table* now, Trx at) {
  if (entry.before == nullptr) return;
  TableObject& table = *entry.object;
  if (now == nullptr) {
    gone_.insert({table.objid(), entry.before->long_values_objid});
    for (const Index& index : entry.before->indexes) gone_.insert(index.objid);
    dropped_.push_back({&parts_.space, &table.space(), at});
    return;
  }
  for (const Index& index : entry.before->indexes) {
    const bool kept = std::any_of(now->indexes.begin(), now->indexes.end(),
                                  [&](const Index& i) { return i.objid == index.objid; });
    if (kept) continue;
    gone_.insert(index.objid);
    (void)table.index(index);  // so that it has an object
    dropped_.push_back({&table.space(), table.space_of(index.objid), at});
  }
}

Status Catalog::free_dropped(OpenTransaction& transaction) {
  const Trx oldest = parts_.transactions.oldest_needed();
  std::vector<Dropped> ready;
  {
    const std::lock_guard lock(mutex_);
    const auto later = std::partition(dropped_.begin(), dropped_.end(),
                                      [&](const Dropped& d) { return !before(d.at, oldest); });
    ready.assign(later, dropped_.end());
    dropped_.erase(later, dropped_.end());
  }
  for (const Dropped& dropped : ready) {
    if (Status s = dropped.parent->free_tree(transaction, *dropped.tree); !s.ok()) {
      return s.error().while_doing("giving back the pages of a dropped tree");
    }
  }
  return Ok{};
}

// Versions are purged before the trees they may be in go.
Result<std::size_t> Catalog::clean_up(std::size_t most) {
  const Trx oldest = parts_.transactions.oldest_needed();
  // A version keeps its page from being written before its commit is durable; so that comes first.
  const Lgpos commits = parts_.transactions.last_commit();
  if (Status s = parts_.database.log.make_durable(commits); !s.ok()) return s.error();
  const auto settled = parts_.database.versions.purge(oldest, most);
  if (Status s = clean_up(settled); !s.ok()) return s.error();
  return settled.size();
}

Status Catalog::clean_up(const std::vector<VersionStore::Settled>& settled) {
  const std::lock_guard one(own_session_);
  OpenTransaction transaction(parts_.transactions, parts_.database.log, parts_.session);
  std::map<Objid, BTree*> trees;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [objid, entry] : entries_) trees[objid] = entry.object->tree_of(objid);
    for (const VersionStore::Settled& node : settled) {
      if (trees.contains(node.tree)) continue;
      for (auto& [objid, entry] : entries_) {
        if (BTree* tree = entry.object->tree_of(node.tree)) trees[node.tree] = tree;
      }
    }
    for (const Objid objid : gone_) trees.erase(objid);
  }
  for (const VersionStore::Settled& node : settled) {
    const auto tree = trees.find(node.tree);
    if (node.db != parts_.database.id || tree == trees.end()) continue;
    Status cleaned = tree->second->clean_up_joined(transaction, node.bookmark);
    if (!cleaned.ok()) return cleaned.error().while_doing("removing what was deleted");
  }
  if (Status s = free_dropped(transaction); !s.ok()) return s;
  return transaction.commit(CommitMode::lazy);
}

bool Catalog::in_use() {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const auto& entry) { return !entry.second.users.empty(); });
}

}  // namespace stillframe::ese

// The catalog of a database in use: which tables there are and who uses them, and every change of
// what they consist of. It is kept in tables itself, so what a transaction does to it is logged,
// undone and recovered like any row.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/catalog.hpp"
#include "writers/ese/tables/row_builder.hpp"
#include "writers/ese/tables/table_object.hpp"
#include "writers/ese/tables/table_spec.hpp"

namespace stillframe::ese {

class Catalog;

// A session has a table open. While one has, no other session changes what the table consists of.
// Goes before the catalog does.
class [[nodiscard]] TableUse {
 public:
  TableUse(TableUse&& other) noexcept;
  TableUse& operator=(TableUse&& other) noexcept;
  ~TableUse();

  TableObject& table() const noexcept { return *table_; }

 private:
  friend class Catalog;
  TableUse(Catalog& catalog, TableObject& table, Procid session)
      : catalog_(&catalog), table_(&table), session_(session) {}
  void close() noexcept;

  Catalog* catalog_;  // null when moved from
  TableObject* table_;
  Procid session_;
};

struct CatalogParts {
  OpenDatabase& database;
  TreeSpace& space;  // of the database
  Transactions& transactions;
  Procid session{};  // for transactions of its own
  std::uint32_t update_major = 20;
};

// Any thread; what a transaction does, in its own.
class Catalog final : public TableDefinitions, private TransactionWatcher {
 public:
  // Makes the system tables of a new database, of which only the root of its space is there.
  static Result<std::unique_ptr<Catalog>> create(const CatalogParts& parts,
                                                 OpenTransaction& transaction);
  static Result<std::unique_ptr<Catalog>> open(const CatalogParts& parts);

  // ObjectNotFound; TableLocked while another session changes it; WriteConflict if that happened
  // after the transaction began.
  Result<TableUse> open_table(OpenTransaction& transaction, std::string_view name);
  Result<std::vector<std::string>> table_names(const OpenTransaction& transaction);

  // Changes of definitions. TableInUse while other sessions have the table open, FixedDDL for those
  // of the engine itself.
  Result<TableUse> create_table(OpenTransaction& transaction, const TableSpec& spec);
  Status delete_table(OpenTransaction& transaction, std::string_view name);
  Status rename_table(OpenTransaction& transaction, std::string_view name, std::string_view to);
  Result<ColumnId> add_column(OpenTransaction& transaction, TableObject& table,
                              const ColumnSpec& spec);
  Status delete_column(OpenTransaction& transaction, TableObject& table, std::string_view name);
  // From the rows there are. KeyDuplicate if they are not unique; WriteConflict if the transaction
  // does not see all of them.
  Status create_index(OpenTransaction& transaction, TableObject& table, const IndexSpec& spec);
  Status delete_index(OpenTransaction& transaction, TableObject& table, std::string_view name);

  // What nobody can see any more goes for good: deleted nodes, and the pages of trees that were
  // dropped. How many nodes were looked at, `most` at most.
  Result<std::size_t> clean_up(std::size_t most);
  // The same for nodes that were purged already; those of other databases are passed over. For who
  // has several databases with one version store.
  Status clean_up(const std::vector<VersionStore::Settled>& settled);
  // Whether any session has a table open.
  bool in_use();

  Objid last_objid() const noexcept { return Objid{last_objid_.load()}; }

  // For tables.
  Result<Table> load(const OpenTransaction& transaction, Objid objid) override;
  Status make_long_values(OpenTransaction& transaction, TableObject& table) override;

 private:
  friend class TableUse;
  struct Entry {
    std::unique_ptr<TableObject> object;
    std::map<Procid, int> users;
    const OpenTransaction* changing = nullptr;
    std::shared_ptr<const Table> before;  // as it was before that transaction; null: not there
    std::optional<Trx> changed_at;
  };
  // A tree that no definition has any more, from when on nobody can.
  struct Dropped {
    TreeSpace* parent;
    TreeSpace* tree;
    Trx at;
  };

  explicit Catalog(const CatalogParts& parts);
  Status make_system_tables(OpenTransaction& transaction);
  Status find_last_objid();

  Entry& enter(Table definition);
  Result<std::optional<Objid>> find(const OpenTransaction& transaction, std::string_view name);
  Result<std::vector<CatalogRow>> rows_of(const OpenTransaction& transaction, Objid objid);
  void close(const TableObject& table, Procid session) noexcept;

  Objid next_objid() noexcept { return Objid{last_objid_.fetch_add(1) + 1}; }
  Status begin_change(OpenTransaction& transaction, TableObject& table);
  Status put(OpenTransaction& transaction, const CatalogRow& row, std::size_t offset);
  Status erase(OpenTransaction& transaction, const CatalogRow& row);
  Status change(OpenTransaction& transaction, const CatalogRow& row, const RowValues& changes);
  Status create_rows(OpenTransaction& transaction, const TableSpec& spec, Objid objid);
  Status add_index(OpenTransaction& transaction, TableObject& table, const IndexSpec& spec);
  Status fill_index(OpenTransaction& transaction, TableObject& table, const Index& index);
  Status add_long_values(OpenTransaction& transaction, TableObject& table);
  Result<bool> is_empty(const OpenTransaction& transaction, TableObject& table) const;

  void undone(const OpenTransaction& transaction, bool ended) noexcept override;
  void committed(const OpenTransaction& transaction) noexcept override;
  void drop_trees(Entry& entry, const Table* now, Trx at);
  Status free_dropped(OpenTransaction& transaction);

  const CatalogParts parts_;
  std::atomic<std::uint32_t> last_objid_{0};
  TableObject* objects_ = nullptr;     // MSysObjects
  TableObject* shadow_ = nullptr;      // none in databases that were made without
  TableObject* object_ids_ = nullptr;  // none in older databases

  std::mutex mutex_;
  std::map<Objid, Entry> entries_;
  std::vector<Dropped> dropped_;
  std::set<Objid> gone_;    // trees that were dropped: nothing in them is cleaned up any more
  std::mutex own_session_;  // one transaction of its own at a time
};

}  // namespace stillframe::ese

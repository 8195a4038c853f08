#include "writers/ese/bench/ese_store.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese::bench {

namespace {

constexpr std::uint32_t kLogBytes = 16U << 20;
constexpr ColumnId kKey{kFixedFirst}, kValue{kVariableFirst};

TableSpec rows_table() {
  TableSpec spec;
  spec.name = "rows";
  spec.columns = {{.name = "key",
                   .type = ColumnType::binary,
                   .place = ColumnPlace::fixed,
                   .size = kKeyBytes,
                   .flags = kColumnNotNull},
                  {.name = "value", .type = ColumnType::binary, .place = ColumnPlace::variable}};
  spec.indexes = {{.name = "key", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"key"}}}};
  return spec;
}

class EseSession final : public MeasuredSession {
 public:
  EseSession(Session session, Catalog& catalog) : session_(std::move(session)), catalog_(catalog) {}

  Status begin() override {
    transaction_ = session_.begin();
    if (!use_) {
      auto opened = catalog_.open_table(*transaction_, "rows");
      if (!opened.ok()) return opened.error();
      use_.emplace(std::move(opened).value());
      definition_ = use_->table().last_definition();
      column_ = definition_->find_column(kValue, false);
    }
    rows_.emplace(use_->table(), *transaction_);
    cursor_.emplace(use_->table(), *transaction_);
    return Ok{};
  }

  Status insert(const Row& row) override {
    put(kKey, row.key);
    put(kValue, row.value);
    const auto key = rows_->insert(values_);
    return key.ok() ? Status(Ok{}) : Status(key.error());
  }

  Status update(const Row& row) override {
    if (Status s = seek(row.key); !s.ok()) return s;
    const auto bookmark = cursor_->bookmark();
    if (!bookmark.ok()) return bookmark.error();
    values_.erase(kKey);
    put(kValue, row.value);
    return rows_->replace(bookmark.value(), values_);
  }

  Status read(Bytes key, MutableBytes value) override {
    if (Status s = seek(key); !s.ok()) return s;
    return current_value(value);
  }

  Result<std::uint64_t> scan(Bytes key, std::uint64_t rows, std::uint64_t& sum) override {
    const auto sought = find(key);
    Status moved = sought.ok() ? Status(Ok{}) : Status(sought.error());
    std::uint64_t seen = 0;
    std::array<std::byte, kValueBytes> value;
    for (; moved.ok() && cursor_->on_row() && seen < rows; moved = cursor_->next()) {
      if (Status s = current_value(value); !s.ok()) return s.error();
      sum += load_le<std::uint64_t>(value.data());
      ++seen;
    }
    return moved.ok() ? Result<std::uint64_t>(seen) : moved.error();
  }

  Status commit() override {
    rows_.reset();
    cursor_.reset();
    return transaction_->commit();
  }

  Status insert_alone(const Row& row) override {
    if (Status s = begin(); !s.ok()) return s;
    if (Status s = insert(row); !s.ok()) return s;
    return commit();
  }

 private:
  // Into what the row before was in.
  void put(ColumnId column, Bytes bytes) {
    Values& values = values_[column];
    values.resize(1);
    values[0].assign(bytes.begin(), bytes.end());
  }

  Result<bool> find(Bytes key) {
    const std::optional<Bytes> values[] = {key};
    return cursor_->seek_key(values);
  }

  Status seek(Bytes key) {
    const auto sought = find(key);
    if (!sought.ok()) return sought.error();
    return sought.value() ? Status(Ok{}) : Status(Error(Errc::not_found, "there is no such row"));
  }

  Status current_value(MutableBytes value) {
    const auto found = cursor_->value(*column_);
    if (!found.ok()) return found.error();
    const Bytes bytes = found.value().value_or(Bytes{});
    std::copy_n(bytes.begin(), std::min(bytes.size(), value.size()), value.begin());
    return Ok{};
  }

  Session session_;
  Catalog& catalog_;
  std::unique_ptr<OpenTransaction> transaction_;
  std::optional<TableUse> use_;
  std::shared_ptr<const Table> definition_;
  const Column* column_ = nullptr;  // of the value
  RowValues values_;
  std::optional<TableRows> rows_;
  std::optional<Cursor> cursor_;
};

class EseStore final : public MeasuredStore {
 public:
  std::string_view name() const override { return "stillframe"; }

  Status open(const StoreOptions& options, After) override {
    InstanceOptions instance;
    instance.logs = join_path(options.folder, "logs");
    instance.log_bytes = kLogBytes;
    instance.circular = true;
    instance.cache_bytes = options.cache_bytes;
    instance.checkpoint_depth = options.checkpoint_bytes;
    if (Status s = files_->make_directory(instance.logs); !s.ok()) return s;
    auto started = Instance::start(*files_, std::move(instance));
    if (!started.ok()) return started.error();
    instance_ = std::move(started).value();
    const BytePath path = join_path(options.folder, "rows.edb");
    const bool there = files_->exists(path);
    auto database = there ? instance_->attach_database(path) : instance_->create_database(path);
    if (!database.ok()) return database.error();
    database_ = database.value();
    return there ? Status(Ok{}) : create_table();
  }

  Status close() override { return instance_->stop(); }

  Result<std::unique_ptr<MeasuredSession>> session() override {
    auto session = instance_->open_session();
    if (!session.ok()) return session.error();
    return std::unique_ptr<MeasuredSession>(
        std::make_unique<EseSession>(std::move(session).value(), database_->catalog()));
  }

 private:
  Status create_table() {
    auto session = instance_->open_session();
    if (!session.ok()) return session.error();
    const auto transaction = session.value().begin();
    {
      auto made = database_->catalog().create_table(*transaction, rows_table());
      if (!made.ok()) return made.error();
    }
    return transaction->commit();
  }

  std::unique_ptr<Files> files_ = posix_files();
  std::unique_ptr<Instance> instance_;
  InstanceDatabase* database_ = nullptr;
};

}  // namespace

std::unique_ptr<MeasuredStore> make_ese_store() {
  return std::make_unique<EseStore>();
}

}  // namespace stillframe::ese::bench

#include "tests/ese/support/instance_model.hpp"

#include <algorithm>
#include <iterator>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr ColumnId kId{1}, kCode{2}, kNumber{3}, kCount{4}, kText{128}, kBlob{256}, kMany{257};
constexpr std::size_t kWorkers = 3;

TableSpec model_table(const std::string& name) {
  TableSpec spec;
  spec.name = name;
  spec.columns = {{.name = "id", .type = ColumnType::long_int, .flags = kColumnNotNull},
                  {.name = "code", .type = ColumnType::long_int},
                  {.name = "number", .type = ColumnType::long_int},
                  {.name = "count",
                   .type = ColumnType::long_int,
                   .flags = kColumnEscrow,
                   .default_value = little(0)},
                  {.name = "text", .type = ColumnType::binary},
                  {.name = "blob", .type = ColumnType::long_binary},
                  {.name = "many", .type = ColumnType::long_int, .flags = kColumnMultiValued}};
  spec.indexes = {
      {.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}},
      {.name = "code", .flags = kIndexUnique | kIndexAllowSomeNulls, .segments = {{"code"}}},
      {.name = "number", .segments = {{"number", true}}},
      {.name = "many", .flags = kIndexAllowSomeNulls, .segments = {{"many"}}}};
  return spec;
}

}  // namespace

// A session with the transaction it is in, and what that sees.
struct InstanceModel::Worker {
  explicit Worker(Session own) : session(std::move(own)) {}

  Session session;
  std::unique_ptr<OpenTransaction> transaction;
  std::map<std::size_t, TableUse> tables;  // by database; go before the transaction does
  State view;
  std::vector<Change> changes;

  void drop() {
    tables.clear();
    transaction.reset();
    changes.clear();
  }
  ~Worker() { tables.clear(); }
};

InstanceModel::InstanceModel(std::vector<BytePath> databases, std::string name, std::uint64_t seed)
    : paths_(std::move(databases)), name_(std::move(name)), random_(seed) {}

InstanceModel::~InstanceModel() = default;

void InstanceModel::crash() {
  workers_.clear();
  databases_.clear();
}

std::unique_ptr<InstanceModel> InstanceModel::of_copies(std::vector<BytePath> databases) const {
  auto copies = std::make_unique<InstanceModel>(std::move(databases), name_, 1);
  copies->possible_ = {possible_.back()};
  return copies;
}

void InstanceModel::begin_moment() {
  const std::lock_guard lock(moment_mutex_);
  moment_ = {possible_.back()};
  moment_phase_ = Moment::begun;
}

void InstanceModel::end_moment() {
  const std::lock_guard lock(moment_mutex_);
  moment_phase_ = Moment::ending;
}

std::unique_ptr<InstanceModel> InstanceModel::at_moment(std::vector<BytePath> databases) const {
  auto copies = std::make_unique<InstanceModel>(std::move(databases), name_, 1);
  copies->possible_ = moment_;
  return copies;
}

// ---- What may happen

Result<bool> InstanceModel::done(const Status& status, std::optional<EseErr> expected) {
  ++operations_;
  if (status.ok()) {
    EXPECT_FALSE(expected.has_value()) << "an operation that had to be refused was made";
    return true;
  }
  if (is(status.error(), EseErr::write_conflict)) {
    ++conflicts_;
    return false;
  }
  if (expected && is(status.error(), *expected)) return false;
  return status.error();
}

// `surely` unless making it durable failed: then only what is found later can tell.
void InstanceModel::committed(State next, bool durable, bool surely) {
  ++commits_;
  const std::lock_guard lock(moment_mutex_);
  if (moment_phase_ != Moment::none) moment_.push_back(next);
  if (moment_phase_ == Moment::ending) moment_phase_ = Moment::none;
  possible_.push_back(std::move(next));
  if (durable && surely) possible_.erase(possible_.begin(), std::prev(possible_.end()));
}

// ---- Databases

Status InstanceModel::make_table(Instance& instance, std::size_t db) {
  auto session = instance.open_session();
  if (!session.ok()) return session.error();
  const auto transaction = session.value().begin();
  {
    auto made = databases_[db]->catalog().create_table(*transaction, model_table(name_));
    if (!made.ok()) return made.error();
  }
  State next = possible_.back();
  next.tables.insert(db);
  next.extra_index[db] = false;
  return commit_definitions(*transaction, std::move(next));
}

Status InstanceModel::commit_definitions(OpenTransaction& transaction, State next) {
  const Status status = transaction.commit();
  committed(std::move(next), true, status.ok());
  return status;
}

Status InstanceModel::open(Instance& instance) {
  databases_.assign(paths_.size(), nullptr);
  for (std::size_t db = 0; db < paths_.size(); ++db) {
    auto database = instance.attach_database(paths_[db]);
    const bool owed = possible_.front().tables.contains(db);
    if (!database.ok() && !owed) database = instance.create_database(paths_[db]);
    if (!database.ok()) return database.error();
    databases_[db] = database.value();
    page_bytes_ = databases_[db]->store().page_bytes();
  }
  return Ok{};
}

void InstanceModel::join(Instance& instance) {
  databases_.clear();
  for (const BytePath& path : paths_) databases_.push_back(instance.find_database(path));
  page_bytes_ = databases_.front()->store().page_bytes();
}

// ---- Work

Status InstanceModel::work(Instance& instance, std::uint64_t steps) {
  while (workers_.size() < kWorkers) {
    auto session = instance.open_session();
    if (!session.ok()) return session.error();
    workers_.push_back(std::make_unique<Worker>(std::move(session).value()));
  }
  for (std::size_t db = 0; db < paths_.size(); ++db) {
    if (possible_.back().tables.contains(db)) continue;
    if (Status s = make_table(instance, db); !s.ok()) return s;
  }
  for (std::uint64_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
    Status stepped = step(instance, *workers_[random_() % workers_.size()]);
    if (!stepped.ok()) return stepped;
    if (random_() % 40 == 0) stepped = instance.maintain();
    if (stepped.ok() && random_() % 150 == 0) stepped = instance.flush();
    if (stepped.ok() && random_() % 60 == 0) stepped = change_definitions(instance);
    if (stepped.ok() && random_() % 200 == 0) stepped = move_database(instance);
    if (!stepped.ok()) return stepped;
  }
  return Ok{};
}

Status InstanceModel::step(Instance& instance, Worker& worker) {
  if (worker.transaction == nullptr) return begin(instance, worker);
  if (random_() % 6 == 0) return end(worker);
  return change(worker);
}

Status InstanceModel::begin(Instance&, Worker& worker) {
  worker.transaction = worker.session.begin();
  worker.view = possible_.back();
  for (std::size_t db = 0; db < databases_.size(); ++db) {
    auto use = databases_[db]->catalog().open_table(*worker.transaction, name_);
    if (!use.ok()) return use.error();
    worker.tables.emplace(db, std::move(use).value());
  }
  return Ok{};
}

Status InstanceModel::end(Worker& worker) {
  worker.tables.clear();
  Status status = Ok{};
  if (random_() % 4 == 0) {
    status = worker.transaction->rollback();
  } else {
    const bool durable = random_() % 3 != 0;
    State next = possible_.back();
    for (const Change& each : worker.changes) {
      if (each.delta) {
        Values& count = next.rows[each.key][kCount];
        count = {little(number_of(count[0]) + *each.delta)};
      } else if (each.row) {
        next.rows[each.key] = *each.row;
      } else {
        next.rows.erase(each.key);
      }
    }
    // One that changed nothing is in no log, and waits for nobody's records.
    const bool logged = !worker.transaction->begun_at().none();
    status = worker.transaction->commit(durable ? CommitMode::durable : CommitMode::lazy);
    committed(std::move(next), durable && logged, status.ok());
  }
  if (status.ok()) worker.drop();
  return status;
}

// Within a level of its own, so that a conflict takes back just this.
Status InstanceModel::change(Worker& worker) {
  const std::size_t db = random_() % databases_.size();
  if (Status s = worker.transaction->begin_level(); !s.ok()) return s;
  const State before = worker.view;
  const std::size_t changes = worker.changes.size();
  for (std::size_t i = 1 + random_() % 3; i > 0; --i) {
    Status status = Ok{};
    switch (random_() % 12) {
      case 0:
      case 1:
        status = remove(worker, db);
        break;
      case 2:
      case 3:
      case 4:
        status = replace(worker, db);
        break;
      case 5:
      case 6:
        status = add(worker, db);
        break;
      case 7:
        status = edit(worker, db);
        break;
      default:
        status = insert(worker, db);
    }
    if (!status.ok()) return status;
  }
  if (random_() % 5 != 0) return worker.transaction->commit();
  worker.view = before;
  worker.changes.resize(changes);
  return worker.transaction->rollback();
}

std::int32_t InstanceModel::random_id() {
  return static_cast<std::int32_t>(random_() % 120) - 20;
}

Value InstanceModel::random_bytes(std::size_t most) {
  Value value(random_() % (most + 1));
  const auto base = static_cast<unsigned>(random_());
  for (std::size_t i = 0; i < value.size(); ++i) {
    value[i] = static_cast<std::byte>(i % 5 == 0 ? base : i % 11 * base);
  }
  return value;
}

RowValues InstanceModel::random_values() {
  RowValues values;
  const auto some = [this] { return random_() % 2 == 0; };
  if (some()) values[kCode] = {little(static_cast<std::int32_t>(random_() % 500))};
  if (some()) values[kNumber] = {little(static_cast<std::int32_t>(random_() % 9) - 4)};
  if (some()) values[kText] = {random_bytes(random_() % 8 == 0 ? 255 : 30)};
  if (some()) values[kBlob] = {random_bytes(random_() % 6 == 0 ? 2 * page_bytes_ : 600)};
  if (some()) {
    values[kMany].clear();
    for (std::size_t i = random_() % 3; i > 0; --i) {
      values[kMany].push_back(little(static_cast<std::int32_t>(random_() % 7)));
    }
  }
  return values;
}

Status InstanceModel::insert(Worker& worker, std::size_t db) {
  const std::int32_t id = random_id();
  RowValues values = random_values();
  values[kId] = {little(id)};
  Row row{{kCode, {}}, {kNumber, {}}, {kCount, {little(0)}}, {kText, {}}, {kBlob, {}}, {kMany, {}}};
  for (const auto& [column, value] : values) row[column] = value;
  bool taken = worker.view.rows.contains({db, id});
  for (const auto& [key, other] : worker.view.rows) {
    taken = taken || (key.first == db && !row[kCode].empty() && other.at(kCode) == row[kCode]);
  }
  const auto key = TableRows(worker.tables.at(db).table(), *worker.transaction).insert(values);
  const auto made = done(key.ok() ? Status(Ok{}) : Status(key.error()),
                         taken ? std::optional(EseErr::key_duplicate) : std::nullopt);
  if (!made.ok()) return made.error();
  if (!made.value()) return Ok{};
  worker.view.rows[{db, id}] = row;
  worker.changes.push_back({{db, id}, row, {}});
  return Ok{};
}

Status InstanceModel::replace(Worker& worker, std::size_t db) {
  const std::int32_t id = random_id();
  const RowValues values = random_values();
  const auto found = worker.view.rows.find({db, id});
  const bool there = found != worker.view.rows.end();
  std::optional<EseErr> expected;
  Row row = there ? found->second : Row{};
  for (const auto& [column, value] : values) row[column] = value;
  if (!there) expected = EseErr::record_not_found;
  for (const auto& [key, other] : worker.view.rows) {
    if (!there || key.first != db || key.second == id || row[kCode].empty()) continue;
    if (other.at(kCode) == row[kCode]) expected = EseErr::key_duplicate;
  }
  const auto made = done(
      TableRows(worker.tables.at(db).table(), *worker.transaction).replace(bookmark_of(id), values),
      expected);
  if (!made.ok()) return made.error();
  if (!made.value()) return Ok{};
  worker.view.rows[{db, id}] = row;
  worker.changes.push_back({{db, id}, row, {}});
  return Ok{};
}

Status InstanceModel::remove(Worker& worker, std::size_t db) {
  const std::int32_t id = random_id();
  const bool there = worker.view.rows.contains({db, id});
  const auto made =
      done(TableRows(worker.tables.at(db).table(), *worker.transaction).remove(bookmark_of(id)),
           there ? std::nullopt : std::optional(EseErr::record_not_found));
  if (!made.ok()) return made.error();
  if (!made.value()) return Ok{};
  worker.view.rows.erase({db, id});
  worker.changes.push_back({{db, id}, {}, {}});
  return Ok{};
}

Status InstanceModel::add(Worker& worker, std::size_t db) {
  const std::int32_t id = random_id();
  const auto found = worker.view.rows.find({db, id});
  if (found == worker.view.rows.end()) return Ok{};
  const auto by = static_cast<std::int32_t>(random_() % 100) - 50;
  TableObject& table = worker.tables.at(db).table();
  const auto definition = table.definition(*worker.transaction);
  if (!definition.ok()) return definition.error();
  const auto made =
      done(TableRows(table, *worker.transaction)
               .add(bookmark_of(id), *definition.value()->find_column(kCount, false), by),
           std::nullopt);
  if (!made.ok()) return made.error();
  if (!made.value()) return Ok{};
  Values& count = found->second[kCount];
  count = {little(number_of(count[0]) + by)};
  worker.changes.push_back({{db, id}, {}, by});
  return Ok{};
}

Status InstanceModel::edit(Worker& worker, std::size_t db) {
  const std::int32_t id = random_id();
  const auto found = worker.view.rows.find({db, id});
  if (found == worker.view.rows.end()) return Ok{};
  TableObject& table = worker.tables.at(db).table();
  const auto definition = table.definition(*worker.transaction);
  if (!definition.ok()) return definition.error();
  LongValueEdit change;
  change.kind = LongValueEdit::Kind::append;
  change.bytes = random_bytes(page_bytes_ / 2);
  const auto made =
      done(TableRows(table, *worker.transaction)
               .edit(bookmark_of(id), *definition.value()->find_column(kBlob, false), change),
           std::nullopt);
  if (!made.ok()) return made.error();
  if (!made.value()) return Ok{};
  Values& blob = found->second[kBlob];
  if (blob.empty()) blob.emplace_back();
  blob[0].insert(blob[0].end(), change.bytes.begin(), change.bytes.end());
  worker.changes.push_back({{db, id}, found->second, {}});
  return Ok{};
}

// ---- Definitions, and databases that go and come back, while nobody works

Status InstanceModel::finish() {
  for (const auto& worker : workers_) {
    if (worker->transaction == nullptr) continue;
    if (Status s = end(*worker); !s.ok()) return s;
  }
  return Ok{};
}

Status InstanceModel::change_definitions(Instance& instance) {
  if (Status s = finish(); !s.ok()) return s;
  const std::size_t db = random_() % databases_.size();
  Catalog& catalog = databases_[db]->catalog();
  auto session = instance.open_session();
  if (!session.ok()) return session.error();
  const auto transaction = session.value().begin();
  State next = possible_.back();
  if (random_() % 2 == 0) {
    auto use = catalog.open_table(*transaction, name_);
    if (!use.ok()) return use.error();
    bool& there = next.extra_index[db];
    Status changed = there ? catalog.delete_index(*transaction, use.value().table(), "extra")
                           : catalog.create_index(*transaction, use.value().table(),
                                                  {.name = "extra", .segments = {{"text"}}});
    if (!changed.ok()) return changed;
    there = !there;
  } else {
    const std::string name = name_ + "_side" + std::to_string(random_() % 3);
    if (next.side_tables.erase({db, name}) > 0) {
      if (Status s = catalog.delete_table(*transaction, name); !s.ok()) return s;
    } else {
      auto made = catalog.create_table(*transaction, model_table(name));
      if (!made.ok()) return made.error();
      next.side_tables.insert({db, name});
    }
  }
  if (random_() % 4 == 0) return transaction->rollback();
  return commit_definitions(*transaction, std::move(next));
}

Status InstanceModel::move_database(Instance& instance) {
  if (paths_.size() < 2) return Ok{};  // others may use it
  if (Status s = finish(); !s.ok()) return s;
  const std::size_t db = random_() % databases_.size();
  if (Status s = instance.detach_database(paths_[db]); !s.ok()) {
    return is(s.error(), EseErr::backup_in_progress) ? Status(Ok{}) : s;  // it stays
  }
  auto again = instance.attach_database(paths_[db]);
  if (!again.ok()) return again.error();
  databases_[db] = again.value();
  return Ok{};
}

// ---- What is there

InstanceModel::State InstanceModel::read(Instance& instance) {
  State state;
  auto session = instance.open_session();
  if (!session.ok()) ADD_FAILURE() << session.error().what();
  if (!session.ok()) return state;
  for (std::size_t db = 0; db < databases_.size(); ++db) {
    Catalog& catalog = databases_[db]->catalog();
    const auto transaction = session.value().begin();
    const auto names = catalog.table_names(*transaction);
    if (!names.ok()) ADD_FAILURE() << names.error().what();
    if (!names.ok()) continue;
    for (const std::string& name : names.value()) {
      if (name.starts_with(name_ + "_side")) state.side_tables.insert({db, name});
    }
    auto use = catalog.open_table(*transaction, name_);
    if (!use.ok()) continue;
    state.tables.insert(db);
    const auto definition = use.value().table().last_definition();
    state.extra_index[db] = find_index(*definition, "extra") != nullptr;
    Cursor cursor(use.value().table(), *transaction);
    Status moved = cursor.first();
    for (; moved.ok() && cursor.on_row(); moved = cursor.next()) {
      Row row;
      for (const ColumnId id : {kId, kCode, kNumber, kCount, kText, kBlob, kMany}) {
        const auto values = cursor.values(*definition->find_column(id, false));
        if (!values.ok()) ADD_FAILURE() << values.error().what();
        if (values.ok()) row[id] = values.value();
      }
      state.rows[{db, number_of(row[kId][0])}] = row;
    }
    if (!moved.ok()) ADD_FAILURE() << moved.error().what();
  }
  return state;
}

void InstanceModel::expect_committed(Instance& instance) {
  State found = read(instance);
  const auto same = std::find_if(possible_.rbegin(), possible_.rend(),
                                 [&](const State& state) { return state == found; });
  if (same != possible_.rend()) {
    possible_ = {std::move(found)};
    return;
  }
  const State& last = possible_.back();
  std::string apart;
  for (const auto& [key, row] : last.rows) {
    const auto other = found.rows.find(key);
    if (other != found.rows.end() && other->second == row) continue;
    apart += " " + std::to_string(key.first) + "/" + std::to_string(key.second) +
             (other == found.rows.end() ? " missing," : " other,");
  }
  for (const auto& [key, row] : found.rows) {
    if (!last.rows.contains(key)) {
      apart += " " + std::to_string(key.first) + "/" + std::to_string(key.second) + " too many,";
    }
  }
  ADD_FAILURE() << "the databases hold nothing that was committed: " << found.rows.size()
                << " rows of " << found.tables.size() << " tables where " << possible_.size()
                << " states are possible, the last of " << possible_.back().rows.size() << " rows;"
                << apart << (last.side_tables == found.side_tables ? "" : " other tables,")
                << (last.extra_index == found.extra_index ? "" : " other indexes");
}

}  // namespace stillframe::ese::tests

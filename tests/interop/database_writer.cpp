#include "tests/interop/database_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "framework/base/posix_error.hpp"
#include "tests/ese/support/row_values.hpp"

namespace stillframe::ese::tests {

namespace {

using nlohmann::json;

constexpr std::size_t kRowsPerCommit = 500;
constexpr int kCommitsPerRound = 32;  // of what a background would do; small runs never get there
constexpr std::uint64_t kCircularFrom = 50'000;  // rows; fewer leave all their logs to be read

// Ids are given out in two halves of a series with gaps, so that later rows fall between others.
std::vector<std::int32_t> ids_of(std::uint64_t rows, bool later) {
  std::vector<std::int32_t> ids;
  for (std::uint64_t i = 0; i < rows; ++i) {
    if ((i % 8 == 7) == later) ids.push_back(static_cast<std::int32_t>(2 * i) - 100);
  }
  return ids;
}

json values_json(const Values& values) {
  constexpr char kDigits[] = "0123456789abcdef";
  json all = json::array();
  for (const Value& value : values) {
    std::string hex;
    for (const std::byte byte : value) {
      hex += kDigits[std::to_integer<unsigned>(byte) >> 4];
      hex += kDigits[std::to_integer<unsigned>(byte) & 15];
    }
    all.push_back(std::move(hex));
  }
  return all;
}

}  // namespace

DatabaseWriter::DatabaseWriter(const WriterOptions& options)
    : options_(options),
      path_(options.folder + "/written.edb"),
      values_(options.seed, options.page_bytes),
      random_(options.seed) {
  for (WrittenTable& table : written_tables(options.rows)) {
    contents_.push_back({std::move(table), {}, {}, 0});
  }
}

DatabaseWriter::~DatabaseWriter() = default;

Status DatabaseWriter::write() {
  if (Status s = first_run(); !s.ok()) return s.error().while_doing("first run");
  if (Status s = second_run(); !s.ok()) return s.error().while_doing("second run");
  return Ok{};
}

Status DatabaseWriter::start() {
  InstanceOptions options;
  options.logs = options_.folder + "/logs";
  options.page_bytes = options_.page_bytes;
  options.log_bytes = options_.rows < kCircularFrom ? 1U << 20 : 5U << 20;
  options.circular = options_.rows >= kCircularFrom;
  // Small where pages shall come and go; where there are many, they would do nothing else.
  options.cache_bytes = std::size_t{options_.rows < kCircularFrom ? 16U : 256U} << 20;
  options.background_pause = std::chrono::milliseconds(0);  // nothing depends on time
  options.clock = log_time_now;
  options.random = random_number;
  if (Status s = files_->make_directory(options.logs); !s.ok()) return s;
  auto instance = Instance::start(*files_, options);
  if (!instance.ok()) return instance.error();
  instance_ = std::move(instance).value();
  return Ok{};
}

// Everything is in the log at its end, and only a part of it in the file.
Status DatabaseWriter::first_run() {
  if (Status s = start(); !s.ok()) return s;
  auto database = instance_->create_database(path_);
  if (!database.ok()) return database.error();
  database_ = database.value();
  for (Content& content : contents_) {
    if (Status s = create(content); !s.ok()) return s;
    if (Status s = insert(content, ids_of(content.is.rows, false)); !s.ok()) return s;
  }
  for (Content& content : contents_) {
    if (Status s = change_table(content); !s.ok()) return s;
    if (Status s = instance_->maintain(); !s.ok()) return s;
  }
  instance_.reset();
  return Ok{};
}

Status DatabaseWriter::second_run() {
  if (Status s = start(); !s.ok()) return s;
  auto database = instance_->attach_database(path_);
  if (!database.ok()) return database.error();
  database_ = database.value();
  for (Content& content : contents_) {
    if (Status s = make_later_parts(content); !s.ok()) return s;
    // Where counting goes on depends on rows that are not there any more.
    const bool counts = std::any_of(content.definition.columns.begin(),
                                    content.definition.columns.end(), is_counted);
    if (counts) continue;
    if (Status s = insert(content, ids_of(content.is.rows, true)); !s.ok()) return s;
  }
  for (Content& content : contents_) {
    if (Status s = change_table(content); !s.ok()) return s;
  }
  for (int round = 0; round < 2; ++round) {
    if (Status s = instance_->maintain(); !s.ok()) return s;
  }
  return instance_->stop();
}

Status DatabaseWriter::change_table(Content& content) {
  if (Status s = replace_some(content, 3); !s.ok()) return s;
  if (Status s = add_to_some(content, 2); !s.ok()) return s;
  if (Status s = remove_some(content, 6); !s.ok()) return s;
  if (Status s = remove_range(content, 0.3, 0.45); !s.ok()) return s;
  return replace_some(content, 5);
}

// ---- Transactions

Status DatabaseWriter::transact(Content& content, CommitMode mode, const Work& work) {
  auto session = instance_->open_session();
  if (!session.ok()) return session.error();
  const auto transaction = session.value().begin();
  {
    auto use = database_->catalog().open_table(*transaction, content.is.spec.name);
    if (!use.ok()) return use.error();
    if (Status s = work(use.value().table(), *transaction); !s.ok()) return s;
    const auto definition = use.value().table().definition(*transaction);
    if (!definition.ok()) return definition.error();
    content.definition = *definition.value();
  }
  if (Status s = transaction->commit(mode); !s.ok()) return s;
  return ++commits_ % kCommitsPerRound == 0 ? instance_->maintain() : Status(Ok{});
}

Status DatabaseWriter::roll_back(Content& content, const Work& work) {
  auto session = instance_->open_session();
  if (!session.ok()) return session.error();
  const auto transaction = session.value().begin();
  {
    auto use = database_->catalog().open_table(*transaction, content.is.spec.name);
    if (!use.ok()) return use.error();
    if (Status s = work(use.value().table(), *transaction); !s.ok()) return s;
  }
  return transaction->rollback();
}

// ---- Definitions

// Beside it a table that goes again, and one that never comes.
Status DatabaseWriter::create(Content& content) {
  TableSpec passing = content.is.spec, never = content.is.spec;
  passing.name += "_passing";
  never.name += "_never";
  auto session = instance_->open_session();
  if (!session.ok()) return session.error();
  Catalog& catalog = database_->catalog();
  for (const auto& [spec, kept] :
       {std::pair{&content.is.spec, true}, {&passing, true}, {&never, false}}) {
    const auto transaction = session.value().begin();
    {
      auto made = catalog.create_table(*transaction, *spec);
      if (!made.ok()) return made.error();
    }
    if (Status s = kept ? transaction->commit() : transaction->rollback(); !s.ok()) return s;
  }
  const auto transaction = session.value().begin();
  if (Status s = catalog.delete_table(*transaction, passing.name); !s.ok()) return s;
  if (Status s = transaction->commit(); !s.ok()) return s;
  return transact(content, CommitMode::lazy,
                  [](TableObject&, OpenTransaction&) { return Status(Ok{}); });
}

Status DatabaseWriter::make_later_parts(Content& content) {
  return transact(content, CommitMode::durable,
                  [&](TableObject& table, OpenTransaction& transaction) -> Status {
                    Catalog& catalog = database_->catalog();
                    for (const ColumnSpec& column : content.is.later_columns) {
                      const auto added = catalog.add_column(transaction, table, column);
                      if (!added.ok()) return added.error();
                    }
                    for (const IndexSpec& index : content.is.later_indexes) {
                      if (Status s = catalog.create_index(transaction, table, index); !s.ok())
                        return s;
                    }
                    return Ok{};
                  });
}

// ---- Rows

Status DatabaseWriter::insert_one(Content& content, TableRows& rows, std::int32_t id, Rows& into) {
  const auto key = rows.insert(values_.row(content.definition, id, 0));
  if (!key.ok()) return key.error().while_doing("row " + std::to_string(id));
  Row row;
  row.id = id;
  row.knows_later =
      std::any_of(content.definition.columns.begin(), content.definition.columns.end(),
                  [&](const Column& column) { return content.is.is_later(column); });
  row.number = ++content.last_number;
  into[key.value()] = row;
  return Ok{};
}

// Some of them twice: the first time they are taken back.
Status DatabaseWriter::insert(Content& content, std::vector<std::int32_t> ids) {
  std::shuffle(ids.begin(), ids.end(), random_);
  for (std::size_t first = 0; first < ids.size(); first += kRowsPerCommit) {
    const std::size_t last = std::min(ids.size(), first + kRowsPerCommit);
    const auto part = [&](std::size_t end, Rows& into) {
      return [&, end](TableObject& table, OpenTransaction& transaction) -> Status {
        TableRows rows(table, transaction);
        for (std::size_t i = first; i < end; ++i) {
          if (Status s = insert_one(content, rows, ids[i], into); !s.ok()) return s;
        }
        return Ok{};
      };
    };
    Rows none, some;
    if (random_() % 4 == 0) {
      if (Status s = roll_back(content, part((first + last) / 2, none)); !s.ok()) return s;
    }
    const CommitMode mode = random_() % 2 == 0 ? CommitMode::lazy : CommitMode::durable;
    if (Status s = transact(content, mode, part(last, some)); !s.ok()) return s;
    content.rows.merge(some);
  }
  return Ok{};
}

// Made to rows as they are found, in batches, of which some are taken back and made again.
Status DatabaseWriter::change_some(Content& content, std::uint64_t every, const Change& change) {
  std::vector<Key> chosen;
  for (const auto& [bookmark, row] : content.rows) {
    if (random_() % every == 0) chosen.push_back(bookmark);
  }
  for (std::size_t first = 0; first < chosen.size(); first += kRowsPerCommit) {
    const std::size_t last = std::min(chosen.size(), first + kRowsPerCommit);
    const auto part = [&](bool for_good) {
      return [&, for_good](TableObject& table, OpenTransaction& transaction) -> Status {
        TableRows rows(table, transaction);
        for (std::size_t i = first; i < last; ++i) {
          Row passing = content.rows.at(chosen[i]);
          Row& row = for_good ? content.rows.at(chosen[i]) : passing;
          if (Status s = change(rows, chosen[i], row); !s.ok()) return s;
        }
        return Ok{};
      };
    };
    if (random_() % 4 == 0) {
      if (Status s = roll_back(content, part(false)); !s.ok()) return s;
    }
    if (Status s = transact(content, CommitMode::durable, part(true)); !s.ok()) return s;
  }
  std::erase_if(content.rows, [](const auto& each) { return each.second.revision == Row::kGone; });
  return Ok{};
}

Status DatabaseWriter::replace_some(Content& content, std::uint64_t every) {
  const bool later =
      std::any_of(content.definition.columns.begin(), content.definition.columns.end(),
                  [&](const Column& c) { return content.is.is_later(c); });
  return change_some(content, every, [&](TableRows& rows, const Key& bookmark, Row& row) {
    ++row.revision;
    row.knows_later = later;
    return rows.replace(bookmark, values_.row(content.definition, row.id, row.revision));
  });
}

Status DatabaseWriter::add_to_some(Content& content, std::uint64_t every) {
  const Column* sum = find_column(content.definition, "sum");
  if (sum == nullptr) return Ok{};
  return change_some(content, every, [&](TableRows& rows, const Key& bookmark, Row& row) {
    const auto by = static_cast<std::int32_t>(random_() % 1000) - 500;
    row.sum += by;
    return rows.add(bookmark, *sum, by);
  });
}

Status DatabaseWriter::remove_some(Content& content, std::uint64_t every) {
  return change_some(content, every, [](TableRows& rows, const Key& bookmark, Row& row) {
    row.revision = Row::kGone;
    return rows.remove(bookmark);
  });
}

// Neighbours, so that whole pages become empty.
Status DatabaseWriter::remove_range(Content& content, double from, double to) {
  const auto count = static_cast<double>(content.rows.size());
  const auto first = static_cast<std::ptrdiff_t>(count * from);
  const auto last = static_cast<std::ptrdiff_t>(count * to);
  auto each = std::next(content.rows.begin(), first);
  const auto end = std::next(content.rows.begin(), last);
  while (each != end) {
    const auto begin = each;
    const auto remove_some = [&](TableObject& table, OpenTransaction& transaction) -> Status {
      TableRows rows(table, transaction);
      for (std::size_t i = 0; i < kRowsPerCommit && each != end; ++i, ++each) {
        if (Status s = rows.remove(each->first); !s.ok()) return s;
      }
      return Ok{};
    };
    if (Status s = transact(content, CommitMode::durable, remove_some); !s.ok()) return s;
    content.rows.erase(begin, each);
  }
  return Ok{};
}

// ---- What has to be read

Values DatabaseWriter::expected(const Content& content, const Column& column,
                                const Row& row) const {
  if ((column.flags & kColumnAutoIncrement) != 0) {
    Value number(sizeof row.number);
    store_le(number.data(), row.number);
    return {number};
  }
  if ((column.flags & kColumnVersion) != 0)
    return {little(static_cast<std::int32_t>(row.revision))};
  if ((column.flags & kColumnEscrow) != 0)
    return {little(number_of(column.default_value) + row.sum)};
  if (content.is.is_later(column) && !row.knows_later) {
    return column.default_value.empty() ? Values{} : Values{column.default_value};
  }
  return values_.cell(content.definition, column, row.id, row.revision);
}

std::string DatabaseWriter::describe(const Content& content) const {
  json columns = json::object(), indexes = json::array();
  for (const Column& column : content.definition.columns) {
    columns[column.name] = static_cast<unsigned>(column.type);
  }
  for (const Index& index : content.definition.indexes) indexes.push_back(index.name);
  return json{{"table", content.definition.name},
              {"columns", std::move(columns)},
              {"indexes", std::move(indexes)},
              {"rows", content.rows.size()}}
      .dump();
}

std::string DatabaseWriter::describe(const Content& content, const Row& row) const {
  json cells = json::object();
  for (const Column& column : content.definition.columns) {
    const Values values = expected(content, column, row);
    if (!values.empty()) cells[column.name] = values_json(values);
  }
  return cells.dump();
}

Status DatabaseWriter::write_expected() const {
  const std::string path = options_.folder + "/expected.jsonl";
  std::ofstream file(path, std::ios::binary);
  for (const Content& content : contents_) {
    file << describe(content) << '\n';
    for (const auto& [bookmark, row] : content.rows) file << describe(content, row) << '\n';
  }
  file.flush();
  if (!file) return posix_error(errno, "cannot write", path);
  return Ok{};
}

}  // namespace stillframe::ese::tests

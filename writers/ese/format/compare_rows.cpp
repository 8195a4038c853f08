#include <algorithm>
#include <cstdio>
#include <optional>

#include "writers/ese/format/compare.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

std::string hex(const KeyView& key) {
  std::string text;
  char two[3];
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(key[i]));
    text += two;
  }
  return text;
}

// The rows of one table of one of the two.
class Rows {
 public:
  Rows(const PageSource& source, const Table& table)
      : source_(source), cursor_(source, table.root, table.objid), reader_(source, table) {}

  Status first() { return cursor_.first(); }
  Status next() { return cursor_.next(); }
  bool at_end() const { return cursor_.at_end(); }
  KeyView key() const { return cursor_.node().key; }

  Result<RecordView> record() const {
    return RecordView::open(cursor_.node().data, source_.page_bytes() > 8192);
  }
  Result<Values> values(const RecordView& record, const Column* column) {
    if (column == nullptr) return Values();
    return reader_.values(record, *column);
  }

 private:
  const PageSource& source_;
  TreeCursor cursor_;
  RowReader reader_;
};

struct ColumnPair {
  std::string name;
  const Column* first = nullptr;
  const Column* second = nullptr;
};

const Column* find_named(const Table& table, const std::string& name) {
  const auto its = std::find_if(table.columns.begin(), table.columns.end(),
                                [&](const Column& column) { return column.name == name; });
  return its == table.columns.end() ? nullptr : &*its;
}

std::vector<ColumnPair> match_columns(const Table& a, const Table& b) {
  std::vector<ColumnPair> pairs;
  for (const Column& column : a.columns) {
    pairs.push_back({column.name, &column, find_named(b, column.name)});
  }
  for (const Column& column : b.columns) {
    if (find_named(a, column.name) == nullptr) pairs.push_back({column.name, nullptr, &column});
  }
  return pairs;
}

class RowComparison {
 public:
  RowComparison(const ComparedDatabase& first, const ComparedDatabase& second, std::size_t max)
      : first_(first), second_(second), max_(max) {}

  Result<Comparison> run(bool system) {
    for (const Table& table : first_.schema.tables) {
      if (table.system() && !system) continue;
      const Table* other = second_.schema.find(table.name);
      Status done = other == nullptr ? only_one(first_, table, found_.only_in_first)
                                     : compare_tables(table, *other);
      if (!done.ok()) return done.error().while_doing("table '" + table.name + "'");
    }
    for (const Table& table : second_.schema.tables) {
      if (table.system() && !system) continue;
      if (first_.schema.find(table.name) != nullptr) continue;
      if (Status s = only_one(second_, table, found_.only_in_second); !s.ok()) return s.error();
    }
    return std::move(found_);
  }

 private:
  void note(std::string what) {
    if (found_.differences.size() < max_) found_.differences.push_back(std::move(what));
  }

  // A table that one of the two lacks is a difference even without rows.
  Status only_one(const ComparedDatabase& database, const Table& table, std::uint64_t& count) {
    ++found_.different;
    note("table '" + table.name + "' is only in " + std::string(database.source.name()));
    Rows rows(database.source, table);
    Status moved = rows.first();
    for (; moved.ok() && !rows.at_end(); moved = rows.next()) ++count;
    return moved;
  }

  Status compare_tables(const Table& a, const Table& b) {
    Rows rows_a(first_.source, a), rows_b(second_.source, b);
    const std::vector<ColumnPair> columns = match_columns(a, b);
    Status moved = rows_a.first();
    if (moved.ok()) moved = rows_b.first();
    while (moved.ok() && (!rows_a.at_end() || !rows_b.at_end())) {
      moved = step(a, rows_a, rows_b, columns);
    }
    return moved;
  }

  Status step(const Table& table, Rows& a, Rows& b, const std::vector<ColumnPair>& columns) {
    const auto order = a.at_end()   ? std::strong_ordering::greater
                       : b.at_end() ? std::strong_ordering::less
                                    : compare_keys(a.key(), b.key());
    if (order < 0) {
      ++found_.only_in_first;
      note(row_text(table, a) + " is only in " + std::string(first_.source.name()));
      return a.next();
    }
    if (order > 0) {
      ++found_.only_in_second;
      note(row_text(table, b) + " is only in " + std::string(second_.source.name()));
      return b.next();
    }
    ++found_.compared;
    auto column = differing_column(a, b, columns);
    if (!column.ok()) return column.error().while_doing(row_text(table, a));
    if (column.value()) {
      ++found_.different;
      note(row_text(table, a) + " differs in column '" + *column.value() + "'");
    }
    if (Status s = a.next(); !s.ok()) return s;
    return b.next();
  }

  static std::string row_text(const Table& table, const Rows& rows) {
    return "the row of '" + table.name + "' with the key " + hex(rows.key());
  }

  static Result<std::optional<std::string>> differing_column(
      Rows& a, Rows& b, const std::vector<ColumnPair>& columns) {
    const auto record_a = a.record(), record_b = b.record();
    if (!record_a.ok()) return record_a.error();
    if (!record_b.ok()) return record_b.error();
    for (const ColumnPair& pair : columns) {
      const auto values_a = a.values(record_a.value(), pair.first);
      if (!values_a.ok()) return values_a.error();
      const auto values_b = b.values(record_b.value(), pair.second);
      if (!values_b.ok()) return values_b.error();
      if (values_a.value() != values_b.value()) return std::optional(pair.name);
    }
    return std::optional<std::string>();
  }

  const ComparedDatabase& first_;
  const ComparedDatabase& second_;
  std::size_t max_;
  Comparison found_;
};

}  // namespace

Result<Comparison> compare_rows(const ComparedDatabase& first, const ComparedDatabase& second,
                                bool system, std::size_t differences_max) {
  return RowComparison(first, second, differences_max).run(system);
}

}  // namespace stillframe::ese

#include "writers/ese/format/verify_rows.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "writers/ese/format/key.hpp"
#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

struct Entry {
  Key key, bookmark;
  friend bool operator==(const Entry&, const Entry&) = default;
  friend bool operator<(const Entry& a, const Entry& b) {
    return a.key != b.key ? a.key < b.key : a.bookmark < b.bookmark;
  }
};

Key copy_of(const KeyView& view) {
  Key key(view.size());
  view.copy_to(key.data());
  return key;
}

class RowCheck {
 public:
  RowCheck(const PageSource& source, const Table& table, const RowFindings& findings)
      : source_(source), table_(table), findings_(findings), reader_(source, table) {}

  RowCounts run() {
    check_records();
    for (const Index& index : table_.indexes) {
      if (!index.primary()) check_index(index);
    }
    check_long_values();
    return counts_;
  }

 private:
  void add(Check check, const std::string& what) {
    findings_(check, "table '" + table_.name + "': " + what);
  }

  std::string row_text(const TreeCursor& cursor) const {
    return page_text(source_, cursor.pgno()) + ", line " + std::to_string(cursor.line());
  }

  // Calls `see` for every row that can be decoded.
  template <class See>
  Status each_row(const See& see) {
    TreeCursor cursor(source_, table_.root, table_.objid);
    Status moved = cursor.first();
    for (; moved.ok() && !cursor.at_end(); moved = cursor.next()) {
      const auto record = RecordView::open(cursor.node().data, source_.page_bytes() > 8192);
      see(cursor, record);
    }
    return moved;
  }

  void check_records() {
    const Index* primary = table_.primary_index();
    const bool keyed = primary != nullptr && can_make_keys(table_, *primary);
    const Status read = each_row([&](const TreeCursor& cursor, const Result<RecordView>& record) {
      ++counts_.rows;
      if (!record.ok()) return add(Check::record, row_text(cursor) + ": " + record.error().what());
      check_values(cursor, record.value());
      if (keyed) check_primary_key(cursor, *primary, record.value());
    });
    // The walk of the tree complained of the same page, but not of the rows that are missed for it.
    if (!read.ok()) add(Check::record, "its rows cannot all be read: " + read.error().what());
    (keyed ? counts_.indexes_checked : counts_.indexes_skipped) += primary != nullptr ? 1 : 0;
  }

  void check_values(const TreeCursor& cursor, const RecordView& record) {
    for (const Column& column : table_.columns) {
      if (column.type == ColumnType::none) continue;
      const Result<Values> values = reader_.values(record, column);
      if (!values.ok()) {
        add(Check::record, row_text(cursor) + ": " + values.error().what());
      }
    }
    for (std::size_t i = 0; i < record.tagged_count(); ++i) {
      const Result<TaggedColumn> tagged = record.tagged(i);
      if (!tagged.ok()) return add(Check::record, row_text(cursor) + ": " + tagged.error().what());
      for (const StoredValue& value : tagged.value().values) {
        if (value.separated) ++references_[{value.lid().value, value.lid().wide}];
      }
    }
  }

  void check_primary_key(const TreeCursor& cursor, const Index& primary, const RecordView& record) {
    const Result<std::vector<Key>> keys = make_keys(reader_, table_, primary, record);
    if (!keys.ok()) return;  // its values have been complained of
    if (keys.value().size() != 1 || keys.value().front() != copy_of(cursor.node().key)) {
      add(Check::primary_key, row_text(cursor) + " is not under its own key");
    }
  }

  void check_index(const Index& index) {
    if (!can_make_keys(table_, index)) {
      ++counts_.indexes_skipped;
      return;
    }
    ++counts_.indexes_checked;
    std::vector<Entry> expected;
    const Status rows = each_row([&](const TreeCursor& cursor, const Result<RecordView>& record) {
      if (!record.ok()) return;
      const Result<std::vector<Key>> keys = make_keys(reader_, table_, index, record.value());
      if (!keys.ok()) return;
      for (const Key& key : keys.value()) expected.push_back({key, copy_of(cursor.node().key)});
    });
    if (!rows.ok()) return;
    std::sort(expected.begin(), expected.end());
    compare_entries(index, expected);
  }

  void compare_entries(const Index& index, const std::vector<Entry>& expected) {
    const std::string name = "index '" + index.name + "' ";
    TreeCursor cursor(source_, index.root, index.objid);
    std::size_t at = 0, missing = 0, surplus = 0;
    Status moved = cursor.first();
    for (; moved.ok() && !cursor.at_end(); moved = cursor.next(), ++counts_.index_entries) {
      const NodeView node = cursor.node();
      const Entry found{copy_of(node.key), {node.data.begin(), node.data.end()}};
      while (at < expected.size() && expected[at] < found) ++at, ++missing;
      if (at < expected.size() && expected[at] == found) {
        ++at;
      } else {
        ++surplus;
      }
    }
    missing += expected.size() - at;
    if (!moved.ok()) return add(Check::index, name + "cannot be read: " + moved.error().what());
    if (missing != 0) add(Check::index, name + "lacks " + std::to_string(missing) + " entries");
    if (surplus != 0) {
      add(Check::index, name + "has " + std::to_string(surplus) + " entries that no row has");
    }
  }

  void check_long_values() {
    if (table_.long_values_root == Pgno::null) {
      if (!references_.empty()) add(Check::long_value, "rows refer to long values; there are none");
      return;
    }
    TreeCursor cursor(source_, table_.long_values_root, table_.long_values_objid);
    Status moved = cursor.first();
    for (; moved.ok() && !cursor.at_end(); moved = cursor.next()) {
      LongValueKey key;
      if (!decode_long_value_key(cursor.node().key, key)) {
        add(Check::long_value, row_text(cursor) + " has a key of odd length");
      } else if (key.root) {
        check_root(cursor, key.lid);
      }
    }
    if (!moved.ok()) add(Check::long_value, moved.error().what());
    // What is left was referred to and is not there: decoding the rows said so.
  }

  void check_root(const TreeCursor& cursor, Lid lid) {
    const Result<LongValueRoot> root = decode_long_value_root(cursor.node().data);
    const std::string name = "long value " + std::to_string(lid.value) + " ";
    if (!root.ok()) return add(Check::long_value, name + root.error().what());
    const auto found = references_.find({lid.value, lid.wide});
    const std::uint64_t counted = found == references_.end() ? 0 : found->second;
    // A count of 0 is garbage that the engine has yet to remove.
    if (root.value().references != counted) {
      add(Check::long_value, name + "says " + std::to_string(root.value().references) +
                                 " references, rows have " + std::to_string(counted));
    }
    if (root.value().references == 0) return;
    ++counts_.long_values;
    counts_.long_value_bytes += root.value().size;
  }

  const PageSource& source_;
  const Table& table_;
  const RowFindings& findings_;
  RowReader reader_;
  RowCounts counts_;
  std::map<std::pair<std::uint64_t, bool>, std::uint64_t> references_;
};

}  // namespace

RowCounts check_rows(const PageSource& source, const Table& table, const RowFindings& findings) {
  return RowCheck(source, table, findings).run();
}

}  // namespace stillframe::ese

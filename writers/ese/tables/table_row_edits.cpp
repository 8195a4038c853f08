// Values of rows that are changed in part.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese {

// Whether it was: a value within its row, or one that others refer to, is written as a whole.
Result<bool> TableRows::edit_in_place(const Column& column, Bytes record,
                                      const LongValueEdit& edit) {
  const auto view = RecordView::open(record, large_page());
  if (!view.ok()) return view.error();
  const auto entry = view.value().find_tagged(column.id, column.of_template);
  if (!entry.ok()) return entry.error();
  const bool separated =
      entry.value() && entry.value()->values.size() == 1 && entry.value()->values.front().separated;
  if (!separated) return false;
  const Lid lid = entry.value()->values.front().lid();
  const auto own = long_values_.is_own(lid);
  if (!own.ok() || !own.value()) return own;
  const Packing packing = packing_of(column);
  const auto size = long_values_.size(lid);
  if (!size.ok()) return size.error();
  Status done = Ok{};
  if (edit.kind == LongValueEdit::Kind::overwrite) {
    done = long_values_.write(lid, edit.offset, edit.bytes, packing);
  } else if (edit.kind == LongValueEdit::Kind::append) {
    done = long_values_.write(lid, size.value(), edit.bytes, packing);
  } else if (edit.size < size.value()) {
    done = long_values_.truncate(lid, edit.size, packing);
  } else {
    done = long_values_.write(lid, edit.size, {}, packing);
  }
  if (!done.ok()) return done.error();
  return true;
}

Status TableRows::edit_in(const Table& definition, Bytes bookmark, const Column& column,
                          const LongValueEdit& edit) {
  const auto record = read(bookmark);
  if (!record.ok()) return record.error();
  const auto before = secondary_keys(definition, record.value());
  if (!before.ok()) return before.error();
  // The row itself is changed too: its version counts, and others who change it are in conflict.
  const auto in_place = edit_in_place(column, record.value(), edit);
  if (!in_place.ok()) return in_place.error();
  if (in_place.value()) {
    if (Status s = replace_in(definition, bookmark, {}); !s.ok()) return s;
    const auto after = secondary_keys(definition, record.value());
    if (!after.ok()) return after.error();
    return update_indexes(definition, bookmark, before.value(), after.value());
  }
  auto old = values(record.value(), column);
  if (!old.ok()) return old.error();
  if (old.value().size() > 1) {
    return Error(Errc::not_supported, "column '" + column.name + "' has several values");
  }
  Value value = old.value().empty() ? Value{} : std::move(old.value().front());
  const std::size_t from = edit.kind == LongValueEdit::Kind::append ? value.size() : edit.offset;
  if (edit.kind == LongValueEdit::Kind::resize) {
    value.resize(edit.size);
  } else {
    value.resize(std::max(value.size(), from + edit.bytes.size()));
    std::copy(edit.bytes.begin(), edit.bytes.end(),
              value.begin() + static_cast<std::ptrdiff_t>(from));
  }
  return replace_in(definition, bookmark, {{column.id, {value}}});
}

}  // namespace stillframe::ese

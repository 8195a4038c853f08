#include "writers/ese/jet/row_source.hpp"

#include <utility>

#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::size_t kSmallPage = 8192;

Result<bool> stores(Bytes record, const Column& column, bool large_page) {
  const auto view = RecordView::open(record, large_page);
  if (!view.ok()) return view.error();
  if (is_fixed(column.id)) return view.value().stores_fixed(column.id);
  if (!is_tagged(column.id)) return view.value().stores_variable(column.id);
  const auto found = view.value().find_tagged(column.id, column.of_template);
  if (!found.ok()) return found.error();
  return found.value().has_value();
}

}  // namespace

Result<RowSource> RowSource::of(const Now& now, JetCursor& cursor, bool copy) {
  if (copy && cursor.preparing()) {
    return RowSource(now, cursor, {}, cursor.update().value());
  }
  auto record = cursor.walk().record(now);
  if (!record.ok()) return record.error();
  return RowSource(now, cursor, std::move(record).value(), nullptr);
}

Result<Values> RowSource::values(const Column& column, bool ignore_default) const {
  if (copy_ != nullptr) return copy_->values(now_, cursor_->table(), column);
  if (ignore_default) {
    const bool large = cursor_->table().database().store.page_bytes() > kSmallPage;
    const auto stored = stores(record_, column, large);
    if (!stored.ok()) return stored.error();
    if (!stored.value()) return Values{};
  }
  return TableRows(cursor_->table(), now_.transaction).values(record_, column);
}

}  // namespace stillframe::ese::jet

#include "writers/ese/tables/cursor.hpp"

#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/table_spec.hpp"

namespace stillframe::ese {

Cursor::Cursor(TableObject& table, OpenTransaction& transaction)
    : table_(table), transaction_(transaction), rows_(table, transaction) {}

BTree& Cursor::tree() const {
  return index_ ? table_.index(*index_) : table_.rows();
}

Status Cursor::use_index(std::string_view name) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  reader_.reset();
  index_.reset();
  if (name.empty()) return Ok{};
  const Index* index = find_index(*definition.value(), name);
  if (index == nullptr) {
    return ese_error(EseErr::index_not_found, "table '" + definition.value()->name +
                                                  "' has no index '" + std::string(name) + "'");
  }
  index_ = *index;
  return Ok{};
}

// A table that a rollback took away has no rows to stand on.
Status Cursor::restart() {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  if (reader_ == nullptr) reader_ = std::make_unique<BTreeReader>(tree(), transaction_.state());
  return Ok{};
}

Status Cursor::first() {
  if (Status s = restart(); !s.ok()) return s;
  return reader_->first();
}

Status Cursor::last() {
  if (Status s = restart(); !s.ok()) return s;
  return reader_->last();
}

Status Cursor::next() {
  return on_row() ? reader_->next() : Status(Ok{});
}

Status Cursor::previous() {
  return on_row() ? reader_->previous() : Status(Ok{});
}

Result<bool> Cursor::seek(const std::vector<Values>& values) {
  std::vector<std::optional<Bytes>> firsts;
  for (const Values& each : values) {
    firsts.push_back(each.empty() ? std::nullopt : std::optional<Bytes>(each.front()));
  }
  return seek_key(firsts);
}

Result<bool> Cursor::seek_key(std::span<const std::optional<Bytes>> values) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  return seek_in(*definition.value(), values);
}

Result<bool> Cursor::seek_in(const Table& table, std::span<const std::optional<Bytes>> values) {
  const Index* index = index_ ? &*index_ : table.primary_index();
  if (index == nullptr || values.size() > index->segments.size()) {
    return Error(Errc::invalid_argument, "table '" + table.name + "' has no such key");
  }
  key_.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const IndexSegment& segment = index->segments[i];
    const Column* column = table.find_column(segment.column, segment.of_template);
    if (column == nullptr) {
      return ese_error(EseErr::column_not_found, "index '" + index->name + "' lacks a column");
    }
    Status added = append_segment(*index, segment, *column, values[i], key_);
    if (!added.ok()) return added.error();
  }
  if (reader_ == nullptr) reader_ = std::make_unique<BTreeReader>(tree(), transaction_.state());
  if (Status s = reader_->seek({key_, {}}); !s.ok()) return s.error();
  return on_row() && reader_->key().size() >= key_.size() &&
         compare_bytes(reader_->key().first(key_.size()), key_) == 0;
}

Result<Key> Cursor::bookmark() const {
  if (!on_row()) return ese_error(EseErr::no_current_record, "the cursor is on no row");
  const Bytes bookmark = index_ && !index_->primary() ? reader_->data() : reader_->key();
  return Key(bookmark.begin(), bookmark.end());
}

Result<Bytes> Cursor::row() {
  if (!on_row()) return ese_error(EseErr::no_current_record, "the cursor is on no row");
  if (!index_ || index_->primary()) return reader_->data();
  auto row = rows_.read(reader_->data());
  if (!row.ok()) return row.error();
  row_ = std::move(row).value();
  return Bytes(row_);
}

Result<std::vector<std::byte>> Cursor::record() {
  const auto here = row();
  if (!here.ok()) return here.error();
  return std::vector<std::byte>(here.value().begin(), here.value().end());
}

Result<Values> Cursor::values(const Column& column) {
  const auto here = row();
  if (!here.ok()) return here.error();
  return rows_.values(here.value(), column);
}

Result<std::optional<Bytes>> Cursor::value(const Column& column) {
  const auto here = row();
  if (!here.ok()) return here.error();
  return rows_.value(here.value(), column);
}

}  // namespace stillframe::ese

#include "writers/ese/tool/open_database.hpp"

#include <cmath>
#include <type_traits>

#include "writers/ese/format/text.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese::tool {

namespace {

template <class T>
Json number_json(const Value& value) {
  if (value.size() != sizeof(T)) return hex_text(value);
  const T number = load_le<T>(value.data());
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) return fmt::format("{}", number);
  }
  return number;
}

std::string guid_text(const Value& value) {
  if (value.size() != 16) return hex_text(value);
  const Bytes bytes(value);
  return fmt::format("{{{:08x}-{:04x}-{:04x}-{}-{}}}", load_le<std::uint32_t>(value.data()),
                     load_le<std::uint16_t>(value.data() + 4),
                     load_le<std::uint16_t>(value.data() + 6), hex_text(bytes.subspan(8, 2)),
                     hex_text(bytes.subspan(10)));
}

Json value_json(const Column& column, const Value& value) {
  switch (column.type) {
    case ColumnType::bit:
      return !value.empty() && value[0] != std::byte{0};
    case ColumnType::unsigned_byte:
      return number_json<std::uint8_t>(value);
    case ColumnType::short_int:
      return number_json<std::int16_t>(value);
    case ColumnType::long_int:
      return number_json<std::int32_t>(value);
    case ColumnType::currency:
    case ColumnType::long_long:
      return number_json<std::int64_t>(value);
    case ColumnType::ieee_single:
      return number_json<float>(value);
    case ColumnType::ieee_double:
    case ColumnType::date_time:
      return number_json<double>(value);
    case ColumnType::unsigned_long:
      return number_json<std::uint32_t>(value);
    case ColumnType::unsigned_long_long:
      return number_json<std::uint64_t>(value);
    case ColumnType::unsigned_short:
      return number_json<std::uint16_t>(value);
    case ColumnType::guid:
      return guid_text(value);
    case ColumnType::text:
    case ColumnType::long_text:
      return column.unicode() ? unicode_text(value) : code_page_text(value);
    case ColumnType::none:
    case ColumnType::binary:
    case ColumnType::long_binary:
    case ColumnType::super_long:
      break;
  }
  return hex_text(value);
}

}  // namespace

Result<const Table*> OpenDatabase::table(const std::string& name) const {
  if (const Table* found = schema.find(name)) return found;
  std::string names;
  for (const Table& table : schema.tables) names += (names.empty() ? "" : ", ") + table.name;
  return Error(Errc::not_found, "there is no table '" + name + "'; there are " + names);
}

Result<OpenDatabase> open_database(const std::string& path) {
  auto file = DatabaseFile::open(path);
  if (!file.ok()) return file.error();
  OpenDatabase database{std::move(file).value(), {}};
  Result<Schema> schema = read_schema(*database.file, database.file->header().update_major);
  if (!schema.ok()) return schema.error();
  database.schema = std::move(schema).value();
  return database;
}

Result<std::uint64_t> each_record(const PageSource& source, const Table& table,
                                  const std::function<Status(const RecordView&)>& row) {
  TreeCursor cursor(source, table.root, table.objid);
  std::uint64_t count = 0;
  Status moved = cursor.first();
  for (; moved.ok() && !cursor.at_end(); moved = cursor.next(), ++count) {
    const auto record = RecordView::open(cursor.node().data, source.page_bytes() > 8192);
    Status done = record.ok() ? row(record.value()) : Status(record.error());
    if (!done.ok()) {
      return done.error().while_doing("table '" + table.name + "', row " + std::to_string(count) +
                                      ", " + page_text(source, cursor.pgno()));
    }
  }
  if (!moved.ok()) return moved.error().while_doing("table '" + table.name + "'");
  return count;
}

Json values_json(const Column& column, const Values& values) {
  if (values.empty()) return nullptr;
  if (values.size() == 1) return value_json(column, values.front());
  Json array = Json::array();
  for (const Value& value : values) array.push_back(value_json(column, value));
  return array;
}

}  // namespace stillframe::ese::tool

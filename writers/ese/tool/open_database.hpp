// What every verb that reads rows begins with.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/database_file.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/format/schema.hpp"
#include "writers/ese/tool/fields.hpp"

namespace stillframe::ese::tool {

struct OpenDatabase {
  std::unique_ptr<DatabaseFile> file;
  Schema schema;

  bool large_pages() const { return file->page_bytes() > 8192; }
  // not_found, with the names that there are, if there is no such table.
  Result<const Table*> table(const std::string& name) const;
};

Result<OpenDatabase> open_database(const std::string& path);

// Calls `row` with each live record of `table` until it fails; how many there were.
Result<std::uint64_t> each_record(const PageSource& source, const Table& table,
                                  const std::function<Status(const RecordView&)>& row);

// A column's values as JSON: null, one, or an array of several. Numbers that a double cannot carry
// stay integers; binary is hexadecimal; times are RFC 3339 where they are one.
Json values_json(const Column& column, const Values& values);

}  // namespace stillframe::ese::tool

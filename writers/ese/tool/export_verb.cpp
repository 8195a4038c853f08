#include <algorithm>
#include <cerrno>

#include <sys/stat.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "writers/ese/tool/open_database.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

std::string csv_quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char character : text) quoted += character == '"' ? "\"\"" : std::string(1, character);
  return quoted + "\"";
}

// Null is an empty cell, an empty text is a quoted one; several values are a JSON array.
std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return csv_quoted(value.dump());
  const std::string text = value.get<std::string>();
  return text.empty() ? "\"\"" : csv_quoted(text);
}

// Table names are made by applications: no name may lead out of the directory.
std::string file_name_of(const Table& table, const char* extension) {
  std::string name = table.name;
  for (char& character : name) {
    if (character == '/' || character == '\0') character = '_';
  }
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name + extension;
}

class ExportVerb final : public Verb {
 public:
  const char* name() const override { return "export"; }
  const char* summary() const override { return "Write the rows of tables as CSV or JSON lines"; }
  const char* examples() const override {
    return "  esectl export SRUDB.dat --table SruDbIdMapTable > ids.csv\n"
           "  esectl export --json ntds.dit --table datatable | jq .ATTm3\n"
           "  esectl export Current.mdb --output rows/";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
    command.add_option("--table", tables_,
                       "This table; may be repeated. Without it: all but the engine's own");
    command.add_option(
        "--output", directory_,
        "A directory for one file a table; without it, one table to standard output");
  }

  Result<Exit> run(Output& output) override {
    Result<OpenDatabase> database = open_database(path_);
    if (!database.ok()) return database.error();
    Result<std::vector<const Table*>> chosen = choose(database.value());
    if (!chosen.ok()) return chosen.error();
    if (directory_.empty()) {
      if (chosen.value().size() != 1) {
        return Error(Errc::invalid_argument,
                     "name one table with --table, or a directory with --output");
      }
      return write_table(database.value(), *chosen.value().front(), output);
    }
    if (Status made = make_directories(directory_, 0777); !made.ok()) return made.error();
    // A damaged table does not keep the others from being exported.
    Exit worst = Exit::ok;
    for (const Table* table : chosen.value()) {
      const Exit one = write_file(database.value(), *table, output);
      worst = std::max(worst, one);
    }
    return worst;
  }

 private:
  Result<std::vector<const Table*>> choose(const OpenDatabase& database) const {
    std::vector<const Table*> chosen;
    for (const std::string& name : tables_) {
      Result<const Table*> one = database.table(name);
      if (!one.ok()) return one.error();
      chosen.push_back(one.value());
    }
    if (!tables_.empty()) return chosen;
    for (const Table& table : database.schema.tables) {
      if (!table.system()) chosen.push_back(&table);
    }
    return chosen;
  }

  Exit write_file(const OpenDatabase& database, const Table& table, Output& output) const {
    const std::string path =
        directory_ + "/" + file_name_of(table, output.json() ? ".jsonl" : ".csv");
    std::FILE* file = std::fopen(path.c_str(), "wxe");
    if (file == nullptr) return output.fail(posix_error(errno, "cannot create", path));
    Output rows("esectl", file, stderr, false);
    rows.use_json(output.json());
    Result<Exit> done = write_table(database, table, rows);
    const bool written = std::fflush(file) == 0 && std::ferror(file) == 0;
    const int error = errno;
    if (std::fclose(file) != 0 || !written) {
      return output.fail(posix_error(error, "cannot write", path));
    }
    return done.ok() ? done.value() : output.fail(done.error());
  }

  static Result<Exit> write_table(const OpenDatabase& database, const Table& table,
                                  Output& output) {
    std::vector<const Column*> columns;
    std::string line;
    for (const Column& column : table.columns) {
      if (column.type == ColumnType::none) continue;
      columns.push_back(&column);
      line += (columns.size() > 1 ? "," : "") + csv_quoted(column.name);
    }
    if (!output.json()) output.line(line);
    RowReader reader(*database.file, table);
    auto rows = each_record(*database.file, table, [&](const RecordView& record) -> Status {
      Json object = Json::object();
      line.clear();
      for (const Column* column : columns) {
        Result<Values> values = reader.values(record, *column);
        if (!values.ok()) return values.error().while_doing("column '" + column->name + "'");
        Json cell = values_json(*column, values.value());
        if (!output.json()) {
          if (column != columns.front()) line += ',';
          line += csv_cell(cell);
        } else if (!cell.is_null()) {
          object[column->name] = std::move(cell);
        }
      }
      output.line(output.json() ? object.dump() : line);
      return Ok{};
    });
    if (!rows.ok()) return rows.error();
    return Exit::ok;
  }

  std::string path_, directory_;
  std::vector<std::string> tables_;
};

}  // namespace

std::unique_ptr<Verb> make_export_verb() {
  return std::make_unique<ExportVerb>();
}

}  // namespace stillframe::ese::tool

#include "writers/ese/format/space.hpp"
#include "writers/ese/tool/open_database.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class TablesVerb final : public Verb {
 public:
  const char* name() const override { return "tables"; }
  const char* summary() const override { return "List the tables with their rows and pages"; }
  const char* examples() const override {
    return "  esectl tables SRUDB.dat\n"
           "  esectl tables --json --system ntds.dit | jq '.tables[].name'";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
    command.add_flag("--system", system_, "The engine's own tables, too");
  }

  Result<Exit> run(Output& output) override {
    Result<OpenDatabase> database = open_database(path_);
    if (!database.ok()) return database.error();
    Json tables = Json::array();
    bool damaged = false;
    for (const Table& table : database.value().schema.tables) {
      if (table.system() && !system_) continue;
      tables.push_back(describe_table(*database.value().file, table));
      damaged |= tables.back().contains("error");
    }
    output.show(Json{{"tables", std::move(tables)}});
    return damaged ? Exit::damaged : Exit::ok;
  }

 private:
  // What can be said of a damaged table is said, with what is wrong.
  static Json describe_table(const PageSource& source, const Table& table) {
    Json about{{"name", table.name},
               {"objid", static_cast<std::uint32_t>(table.objid)},
               {"root", static_cast<std::uint32_t>(table.root)},
               {"columns", table.columns.size()},
               {"indexes", table.indexes.size()}};
    const auto rows = each_record(source, table, [](const RecordView&) { return Status(Ok{}); });
    if (rows.ok()) about["rows"] = rows.value();
    const auto space = read_space(source, table.root, table.objid);
    if (space.ok()) {
      about["pages_owned"] = sum(space.value().owned);
      about["pages_available"] = sum(space.value().available);
    }
    if (!rows.ok() || !space.ok()) {
      about["error"] = rows.ok() ? space.error().what() : rows.error().what();
    }
    return about;
  }

  static std::uint64_t sum(const std::vector<Extent>& extents) {
    std::uint64_t pages = 0;
    for (const Extent& extent : extents) pages += extent.pages;
    return pages;
  }

  std::string path_;
  bool system_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_tables_verb() {
  return std::make_unique<TablesVerb>();
}

}  // namespace stillframe::ese::tool

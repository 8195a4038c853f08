#include "writers/ese/tool/open_database.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

struct SchemaFlagName {
  std::uint32_t flag;
  const char* name;
};

constexpr SchemaFlagName kColumnFlags[] = {
    {kColumnNotNull, "not_null"},
    {kColumnVersion, "version"},
    {kColumnAutoIncrement, "auto_increment"},
    {kColumnMultiValued, "multi_valued"},
    {kColumnHasDefault, "default"},
    {kColumnEscrow, "escrow"},
    {kColumnFinalize, "finalize"},
    {kColumnUserDefault, "user_default"},
    {kColumnDeleteOnZero, "delete_on_zero"},
    {kColumnPlaceholder, "placeholder"},
    {kColumnCompressed, "compressed"},
    {kColumnEncrypted, "encrypted"},
};
constexpr SchemaFlagName kIndexFlags[] = {
    {kIndexUnique, "unique"},
    {kIndexAllowAllNulls, "allow_all_nulls"},
    {kIndexAllowFirstNull, "allow_first_null"},
    {kIndexAllowSomeNulls, "allow_some_nulls"},
    {kIndexNoNullSegment, "no_null_segment"},
    {kIndexPrimary, "primary"},
    {kIndexMultiValued, "multi_valued"},
    {kIndexLocalizedText, "localized_text"},
    {kIndexNullsHigh, "nulls_high"},
    {kIndexCrossProduct, "cross_product"},
    {kIndexDisallowTruncation, "disallow_truncation"},
    {kIndexDotNetGuid, "dot_net_guid"},
    {kIndexDeferredPopulation, "deferred_population"},
};

template <std::size_t N>
Json flags_json(const SchemaFlagName (&names)[N], std::uint32_t flags) {
  Json array = Json::array();
  for (const SchemaFlagName& row : names) {
    if ((flags & row.flag) != 0) array.push_back(row.name);
  }
  return array;
}

Json column_json(const Column& column) {
  Json about{{"name", column.name},
             {"id", static_cast<std::uint16_t>(column.id)},
             {"type", name_of(column.type)},
             {"size", column.size},
             {"flags", flags_json(kColumnFlags, column.flags)}};
  if (is_text(column.type)) about["code_page"] = column.code_page;
  if (!column.default_value.empty()) about["default"] = hex_text(column.default_value);
  if (column.of_template) about["of_template"] = true;
  return about;
}

Json segments_json(const Table& table, const std::vector<IndexSegment>& segments) {
  Json array = Json::array();
  for (const IndexSegment& segment : segments) {
    const Column* column = table.find_column(segment.column, segment.of_template);
    const std::string name = column != nullptr
                                 ? column->name
                                 : "#" + std::to_string(static_cast<std::uint16_t>(segment.column));
    array.push_back((segment.descending ? "-" : "+") + name);
  }
  return array;
}

Json index_json(const Table& table, const Index& index) {
  Json about{{"name", index.name},
             {"objid", static_cast<std::uint32_t>(index.objid)},
             {"root", static_cast<std::uint32_t>(index.root)},
             {"flags", flags_json(kIndexFlags, index.flags)},
             {"segments", segments_json(table, index.segments)},
             {"key_bytes_max", index.key_bytes_max}};
  if (!index.conditions.empty()) about["conditions"] = segments_json(table, index.conditions);
  if (!index.locale.empty()) about["locale"] = index.locale;
  return about;
}

Json table_json(const Table& table) {
  Json columns = Json::array(), indexes = Json::array();
  for (const Column& column : table.columns) columns.push_back(column_json(column));
  for (const Index& index : table.indexes) indexes.push_back(index_json(table, index));
  Json about{{"name", table.name},
             {"objid", static_cast<std::uint32_t>(table.objid)},
             {"root", static_cast<std::uint32_t>(table.root)},
             {"chunk_bytes", table.chunk_bytes}};
  if (!table.template_name.empty()) about["template"] = table.template_name;
  if (table.long_values_root != Pgno::null) {
    about["long_values_root"] = static_cast<std::uint32_t>(table.long_values_root);
  }
  about["columns"] = std::move(columns);
  about["indexes"] = std::move(indexes);
  return about;
}

class SchemaVerb final : public Verb {
 public:
  const char* name() const override { return "schema"; }
  const char* summary() const override { return "Show columns and indexes of tables"; }
  const char* examples() const override {
    return "  esectl schema SRUDB.dat\n"
           "  esectl schema --json ntds.dit datatable";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
    command.add_option("table", table_, "Only this table");
  }

  Result<Exit> run(Output& output) override {
    Result<OpenDatabase> database = open_database(path_);
    if (!database.ok()) return database.error();
    Json tables = Json::array();
    if (!table_.empty()) {
      Result<const Table*> one = database.value().table(table_);
      if (!one.ok()) return one.error();
      tables.push_back(table_json(*one.value()));
    } else {
      for (const Table& table : database.value().schema.tables) tables.push_back(table_json(table));
    }
    output.show(Json{{"tables", std::move(tables)}});
    return Exit::ok;
  }

 private:
  std::string path_, table_;
};

}  // namespace

std::unique_ptr<Verb> make_schema_verb() {
  return std::make_unique<SchemaVerb>();
}

}  // namespace stillframe::ese::tool

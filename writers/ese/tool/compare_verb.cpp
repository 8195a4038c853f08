#include "writers/ese/format/compare.hpp"
#include "writers/ese/tool/open_database.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class CompareVerb final : public Verb {
 public:
  const char* name() const override { return "compare"; }
  const char* summary() const override { return "Say whether two databases are the same"; }
  const char* examples() const override {
    return "  esectl compare original.edb recovered.edb\n"
           "  esectl compare --rows ntds.dit defragmented.dit\n"
           "  esectl compare --json a.edb b.edb | jq .same";
  }
  void describe(CLI::App& command) override {
    command.add_option("first", first_, "A database file")->required();
    command.add_option("second", second_, "The one to compare it with")->required();
    command.add_flag("--rows", rows_, "Rows by their keys, whatever pages they lie on");
    command.add_flag("--system", system_, "With --rows: the engine's own tables, too");
    command.add_option("--show", show_, "How many differences to name (20)");
  }

  Result<Exit> run(Output& output) override {
    auto first = open_database(first_);
    if (!first.ok()) return first.error();
    auto second = open_database(second_);
    if (!second.ok()) return second.error();
    const ComparedDatabase a{*first.value().file, first.value().schema};
    const ComparedDatabase b{*second.value().file, second.value().schema};
    const auto found = rows_ ? compare_rows(a, b, system_, show_) : compare_pages(a, b, show_);
    if (!found.ok()) return found.error();
    output.show(answer(found.value()));
    return found.value().same() ? Exit::ok : Exit::damaged;
  }

 private:
  Json answer(const Comparison& found) const {
    Json differences = Json::array();
    for (const std::string& difference : found.differences) {
      differences.push_back(escape_bytes(difference));
    }
    Json json{{"same", found.same()},
              {"compared", rows_ ? "rows" : "pages"},
              {"in_both", found.compared},
              {"different", found.different},
              {"only_in_first", found.only_in_first},
              {"only_in_second", found.only_in_second}};
    if (!rows_) json["different_unused"] = found.different_unused;
    json["differences"] = std::move(differences);
    return json;
  }

  std::string first_, second_;
  bool rows_ = false, system_ = false;
  std::size_t show_ = 20;
};

}  // namespace

std::unique_ptr<Verb> make_compare_verb() {
  return std::make_unique<CompareVerb>();
}

}  // namespace stillframe::ese::tool

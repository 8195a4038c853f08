#include "writers/ese/format/database_file.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class HeaderVerb final : public Verb {
 public:
  const char* name() const override { return "header"; }
  const char* summary() const override { return "Show what the header of a database says"; }
  const char* examples() const override {
    return "  esectl header SRUDB.dat\n"
           "  esectl header --json ntds.dit | jq .state";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
  }

  Result<Exit> run(Output& output) override {
    auto file = DatabaseFile::open(path_);
    if (!file.ok()) return file.error();
    Json answer{{"file", escape_bytes(path_)},
                {"file_bytes", file.value()->file_bytes()},
                {"bytes_left_over", file.value()->bytes_left_over()},
                {"pages", static_cast<std::uint32_t>(file.value()->last_page())},
                {"page_size", file.value()->page_bytes()},
                {"header_copies", name_of(file.value()->header_copies())}};
    answer.update(field_json(file.value()->header()));
    output.show(answer);
    return Exit::ok;
  }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<Verb> make_header_verb() {
  return std::make_unique<HeaderVerb>();
}

}  // namespace stillframe::ese::tool

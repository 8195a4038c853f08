#include <charconv>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/space.hpp"
#include "writers/ese/tool/open_database.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

struct PageFlagName {
  std::uint32_t flag;
  const char* name;
};
constexpr PageFlagName kPageFlagNames[] = {
    {kPageRoot, "root"},
    {kPageLeaf, "leaf"},
    {kPageParentOfLeaf, "parent_of_leaf"},
    {kPageEmpty, "empty"},
    {kPageRepaired, "repaired"},
    {kPageSpace, "space"},
    {kPageIndex, "index"},
    {kPageLongValue, "long_value"},
    {kPageNonUnique, "non_unique"},
    {kPageNewRecord, "new_record"},
    {kPageNewChecksum, "new_checksum"},
    {kPageScrubbed, "scrubbed"},
    {kPagePreInit, "pre_init"},
    {kPageFdpDelete, "fdp_delete"},
};

std::string_view sum_text(PageSum sum) {
  switch (sum) {
    case PageSum::good:
      return "good";
    case PageSum::corrected:
      return "corrected";
    case PageSum::zero:
      return "zero";
    case PageSum::bad:
      return "bad";
  }
  return "unknown";
}

std::string key_hex(const KeyView& key) {
  return hex_text(key.prefix) + hex_text(key.suffix);
}

Json node_json(const PageView& page, std::size_t line, bool data) {
  const NodeView node = page.node(line);
  Json about{{"line", line}, {"flags", node.flags}, {"key", key_hex(node.key)}};
  if (page.leaf()) {
    about["data_bytes"] = node.data.size();
    if (data) about["data"] = hex_text(node.data);
  } else {
    about["child"] = static_cast<std::uint32_t>(page.child(line));
  }
  return about;
}

Json header_json(Bytes bytes) {
  Json about = field_json(decode<PageHeader>(bytes));
  if (bytes.size() > 8192) {
    about.update(field_json(decode<LargePageHeader>(bytes.subspan(PageHeader::kBytes))));
  }
  Json flags = Json::array();
  for (const PageFlagName& row : kPageFlagNames) {
    if ((PageView(bytes).flags() & row.flag) != 0) flags.push_back(row.name);
  }
  about["flag_names"] = std::move(flags);
  return about;
}

Json extents_json(const std::vector<Extent>& extents) {
  Json array = Json::array();
  for (const Extent& extent : extents) {
    array.push_back(fmt::format("{}-{}", static_cast<std::uint32_t>(extent.first),
                                static_cast<std::uint32_t>(extent.first) + extent.pages - 1));
  }
  return array;
}

// A tree by name: a table, "TABLE/INDEX", or "TABLE/LV" for long values.
struct TreeName {
  Pgno root{};
  Objid objid{};
};

class DumpVerb final : public Verb {
 public:
  const char* name() const override { return "dump"; }
  const char* summary() const override { return "Show a page, a tree or the space of a tree"; }
  const char* examples() const override {
    return "  esectl dump SRUDB.dat page 4 --data\n"
           "  esectl dump SRUDB.dat tree MSysObjects/Name\n"
           "  esectl dump ntds.dit space datatable";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
    command.add_option("what", what_, "page, tree or space")
        ->required()
        ->check(CLI::IsMember({"page", "tree", "space"}));
    command
        .add_option("which", which_,
                    "A page number; or a tree: TABLE, TABLE/INDEX or TABLE/LV; or its root page")
        ->required();
    command.add_flag("--data", data_, "The bytes of every node, too");
  }

  Result<Exit> run(Output& output) override {
    auto file = DatabaseFile::open(path_);
    if (!file.ok()) return file.error();
    if (what_ == "page") return dump_page(*file.value(), output);
    Result<TreeName> tree = find_tree(*file.value());
    if (!tree.ok()) return tree.error();
    return what_ == "tree" ? dump_tree(*file.value(), tree.value(), output)
                           : dump_space(*file.value(), tree.value(), output);
  }

 private:
  std::optional<Pgno> number() const {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(which_.data(), which_.data() + which_.size(), value);
    if (error != std::errc() || end != which_.data() + which_.size()) return std::nullopt;
    return Pgno{value};
  }

  Result<Exit> dump_page(const DatabaseFile& file, Output& output) const {
    const std::optional<Pgno> pgno = number();
    if (!pgno) return Error(Errc::invalid_argument, "'" + which_ + "' is not a page number");
    std::vector<std::byte> bytes(file.page_bytes());
    if (Status read = file.read_pages(*pgno, bytes); !read.ok()) return read.error();
    const PageSum sum = check_and_correct_page(bytes, static_cast<std::uint32_t>(*pgno));
    Json answer{{"page", static_cast<std::uint32_t>(*pgno)}, {"checksum_is", sum_text(sum)}};
    if (sum == PageSum::zero) {
      output.show(answer);
      return Exit::ok;
    }
    answer.update(header_json(bytes));
    const auto findings = check_page(bytes, *pgno);
    for (const PageFinding& finding : findings) {
      answer["findings"].push_back(std::string(name_of(finding.rule)) + ": " + finding.what);
    }
    if (findings.empty() || findings.front().rule != PageRule::structure) {
      const PageView page(bytes);
      answer["external_header"] = hex_text(page.external_header());
      answer["nodes"] = Json::array();
      for (std::size_t line = 0; line < page.lines(); ++line) {
        answer["nodes"].push_back(node_json(page, line, data_));
      }
    }
    output.show(answer);
    return sum == PageSum::bad || !findings.empty() ? Exit::damaged : Exit::ok;
  }

  // A tree by its name, or by the page number of its root.
  Result<TreeName> find_tree(const DatabaseFile& file) const {
    if (const std::optional<Pgno> root = number()) {
      std::vector<std::byte> bytes(file.page_bytes());
      if (Status read = read_checked_page(file, *root, bytes); !read.ok()) return read.error();
      return TreeName{*root, PageView(bytes).objid()};
    }
    Result<Schema> schema = read_schema(file, file.header().update_major);
    if (!schema.ok()) return schema.error();
    for (const Table& table : schema.value().tables) {
      if (table.name == which_) return TreeName{table.root, table.objid};
      for (const Index& index : table.indexes) {
        if (table.name + "/" + index.name == which_) return TreeName{index.root, index.objid};
      }
      if (table.long_values_root != Pgno::null && table.name + "/LV" == which_) {
        return TreeName{table.long_values_root, table.long_values_objid};
      }
    }
    return Error(Errc::not_found, "there is no tree '" + which_ + "'; `esectl schema` lists them");
  }

  Result<Exit> dump_tree(const DatabaseFile& file, const TreeName& tree, Output& output) const {
    TreeCursor cursor(file, tree.root, tree.objid);
    Status moved = cursor.first();
    for (; moved.ok() && !cursor.at_end(); moved = cursor.next()) {
      const NodeView node = cursor.node();
      Json about{{"page", static_cast<std::uint32_t>(cursor.pgno())},
                 {"line", cursor.line()},
                 {"key", key_hex(node.key)},
                 {"data_bytes", node.data.size()}};
      if (data_) about["data"] = hex_text(node.data);
      if (output.json()) {
        output.line(about.dump());
      } else {
        output.line(
            fmt::format("{}:{} {} {}", about["page"].dump(), cursor.line(), key_hex(node.key),
                        data_ ? hex_text(node.data) : std::to_string(node.data.size()) + " bytes"));
      }
    }
    if (!moved.ok()) return moved.error();
    return Exit::ok;
  }

  static Result<Exit> dump_space(const DatabaseFile& file, const TreeName& tree, Output& output) {
    const Result<Space> space = read_space(file, tree.root, tree.objid);
    if (!space.ok()) return space.error();
    const SpaceHeader& header = space.value().header;
    Json answer{{"root", static_cast<std::uint32_t>(tree.root)},
                {"objid", static_cast<std::uint32_t>(tree.objid)},
                {"parent", static_cast<std::uint32_t>(header.parent)},
                {"multiple", header.multiple()},
                {"pages", header.pages},
                {"flags", header.flags}};
    if (header.next_auto_increment) answer["next_auto_increment"] = *header.next_auto_increment;
    answer["owned"] = extents_json(space.value().owned);
    answer["available"] = extents_json(space.value().available);
    output.show(answer);
    return Exit::ok;
  }

  std::string path_, what_, which_;
  bool data_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_dump_verb() {
  return std::make_unique<DumpVerb>();
}

}  // namespace stillframe::ese::tool

#include "writers/ese/format/verify.hpp"

#include <algorithm>
#include <map>

#include "writers/ese/format/all_trees.hpp"
#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/space.hpp"
#include "writers/ese/format/verify_pages.hpp"
#include "writers/ese/format/verify_rows.hpp"
#include "writers/ese/format/verify_space.hpp"
#include "writers/ese/format/verify_tree.hpp"

namespace stillframe::ese {

namespace {

class Verification {
 public:
  Verification(const PageSource& source, const DatabaseHeader& header, const VerifyOptions& options)
      : source_(source), header_(header), options_(options) {}

  Result<VerifyReport> run() {
    Result<PageSurvey> survey = survey_pages(source_, options_);
    if (!survey.ok()) return survey.error();
    survey_ = std::move(survey).value();
    used_.assign(survey_.pages.size(), false);
    if (const auto schema = check_catalog()) {
      const std::vector<NamedTree> trees = all_trees(*schema);
      report_.tables = schema->tables.size();
      for (std::size_t i = 0; i < trees.size(); ++i) {
        check_one_tree(trees[i]);
        if (options_.progress) options_.progress("trees", i + 1, trees.size());
      }
      check_shares(source_, spaces_, [&](std::string what) { add(Check::space, std::move(what)); });
      for (std::size_t i = 0; i < schema->tables.size(); ++i) {
        check_table_rows(schema->tables[i]);
        if (options_.progress) options_.progress("rows", i + 1, schema->tables.size());
      }
    }
    judge_pages();
    return std::move(report_);
  }

 private:
  void add(Check check, std::string what) {
    ++report_.findings_total;
    if (report_.findings.size() < options_.findings_max) {
      report_.findings.push_back({check, std::move(what)});
    }
  }

  std::optional<Schema> check_catalog() {
    auto rows = read_catalog(source_, kCatalogRoot, Objid::catalog);
    auto shadow = read_catalog(source_, kShadowCatalogRoot, Objid::shadow_catalog);
    if (!rows.ok()) add(Check::catalog, rows.error().what());
    if (!shadow.ok()) add(Check::shadow_catalog, shadow.error().what());
    if (rows.ok() && shadow.ok() && rows.value() != shadow.value()) {
      add(Check::shadow_catalog, "it has " + std::to_string(shadow.value().size()) +
                                     " rows that differ from the catalog's " +
                                     std::to_string(rows.value().size()));
    }
    if (!rows.ok() && !shadow.ok()) return std::nullopt;
    auto schema = build_schema(rows.ok() ? rows.value() : shadow.value(), source_.page_bytes(),
                               header_.update_major);
    if (schema.ok()) return std::move(schema).value();
    add(Check::catalog, schema.error().what());
    return std::nullopt;
  }

  void check_one_tree(const NamedTree& tree) {
    ++report_.trees;
    Result<Space> space = read_space(source_, tree.root, tree.objid);
    if (!space.ok()) add(Check::space, tree.name + ": " + space.error().what());
    visit_tree(tree, tree.root, space.ok() ? &space.value() : nullptr);
    if (!space.ok()) return;
    check_space(tree, space.value());
    if (space.value().header.multiple()) {
      visit_tree(tree, space.value().header.owned_root(), &space.value());
      visit_tree(tree, space.value().header.available_root(), &space.value());
    }
    spaces_.push_back({tree.name, tree.root, std::move(space).value()});
  }

  // `space`: what every page of the tree must lie in.
  void visit_tree(const NamedTree& tree, Pgno root, const Space* space) {
    const TreeVisit visit{[&](Pgno pgno) {
                            used_[static_cast<std::uint32_t>(pgno) - 1] = true;
                            if (space == nullptr) return;
                            if (!inside(space->owned, pgno)) {
                              add(Check::space, tree.name + " uses " + page_text(source_, pgno) +
                                                    " without owning it");
                            } else if (inside(space->available, pgno)) {
                              add(Check::space, tree.name + " uses " + page_text(source_, pgno) +
                                                    ", which it says is free");
                            }
                          },
                          [&](std::string what) { add(Check::tree, tree.name + ": " + what); }};
    check_tree(source_, root, tree.objid, visit);
  }

  static bool inside(const std::vector<Extent>& extents, Pgno pgno) {
    auto after = std::upper_bound(extents.begin(), extents.end(), pgno,
                                  [](Pgno p, const Extent& extent) { return p < extent.first; });
    return after != extents.begin() && std::prev(after)->contains(pgno);
  }

  void check_space(const NamedTree& tree, const Space& space) {
    check_apart(tree, space.owned, "owns");
    check_apart(tree, space.available, "has free");
    for (const Extent& extent : space.available) {
      const Pgno last{static_cast<std::uint32_t>(extent.first) + extent.pages - 1};
      if (!inside(space.owned, extent.first) || !inside(space.owned, last)) {
        add(Check::space, tree.name + " has pages free from " + page_text(source_, extent.first) +
                              " that it does not own");
      }
    }
    for (const Extent& extent : space.owned) {
      const std::uint64_t end = static_cast<std::uint64_t>(extent.first) + extent.pages;
      if (end > static_cast<std::uint64_t>(source_.last_page()) + 1) {
        add(Check::space, tree.name + " owns pages past the end of the file");
      }
    }
  }

  void check_apart(const NamedTree& tree, const std::vector<Extent>& extents, const char* verb) {
    for (std::size_t i = 1; i < extents.size(); ++i) {
      const auto before = static_cast<std::uint64_t>(extents[i - 1].first) + extents[i - 1].pages;
      if (before > static_cast<std::uint64_t>(extents[i].first)) {
        add(Check::space,
            tree.name + " " + verb + " " + page_text(source_, extents[i].first) + " twice");
      }
    }
  }

  void check_table_rows(const Table& table) {
    const RowFindings to{[this](Check check, std::string what) { add(check, std::move(what)); }};
    const RowCounts counts = check_rows(source_, table, to);
    report_.rows += counts.rows;
    report_.indexes_checked += counts.indexes_checked;
    report_.indexes_skipped += counts.indexes_skipped;
    report_.index_entries += counts.index_entries;
    report_.long_values += counts.long_values;
    report_.long_value_bytes += counts.long_value_bytes;
  }

  // Space that nothing uses may hold anything; a page that a tree uses may not.
  void judge_pages() {
    for (std::size_t i = 0; i < survey_.pages.size(); ++i) {
      switch (survey_.pages[i].sum) {
        case PageSum::good:
          ++report_.pages_good;
          break;
        case PageSum::corrected:
          ++report_.pages_corrected;
          break;
        case PageSum::zero:
          ++report_.pages_zero;
          break;
        case PageSum::bad:
          judge_bad_page(i);
          break;
      }
    }
    for (const BrokenPage& broken : survey_.findings) {
      if (!used_[static_cast<std::uint32_t>(broken.pgno) - 1]) continue;
      add(Check::page_rules, page_text(source_, broken.pgno) + " (" +
                                 std::string(name_of(broken.finding.rule)) +
                                 "): " + broken.finding.what);
    }
  }

  // A page that a tree needed has been complained of when the tree was walked.
  void judge_bad_page(std::size_t index) {
    ++report_.pages_bad;
    const Pgno pgno{static_cast<std::uint32_t>(index + 1)};
    if (report_.bad_pages.size() < options_.findings_max) report_.bad_pages.push_back(pgno);
    if (!used_[index]) ++report_.bad_pages_unused;
  }

  const PageSource& source_;
  const DatabaseHeader& header_;
  const VerifyOptions& options_;
  PageSurvey survey_;
  std::vector<bool> used_;  // by a tree; [0] is page 1
  std::vector<TreeSpace> spaces_;
  VerifyReport report_;
};

}  // namespace

std::string_view name_of(Check check) noexcept {
  switch (check) {
    case Check::page_rules:
      return "page_rules";
    case Check::catalog:
      return "catalog";
    case Check::shadow_catalog:
      return "shadow_catalog";
    case Check::space:
      return "space";
    case Check::tree:
      return "tree";
    case Check::record:
      return "record";
    case Check::primary_key:
      return "primary_key";
    case Check::index:
      return "index";
    case Check::long_value:
      return "long_value";
  }
  return "unknown";
}

Result<VerifyReport> verify_database(const PageSource& source, const DatabaseHeader& header,
                                     const VerifyOptions& options) {
  return Verification(source, header, options).run();
}

}  // namespace stillframe::ese

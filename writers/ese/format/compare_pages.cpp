#include <algorithm>
#include <optional>

#include "writers/ese/format/all_trees.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/compare.hpp"
#include "writers/ese/format/page.hpp"
#include "writers/ese/format/space.hpp"
#include "writers/ese/format/verify_tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kFlagsOfNoContent = kPageFlushType | kPageNewChecksum;

using Used = std::vector<bool>;  // by page number

Status mark_tree(const PageSource& source, Pgno root, const NamedTree& tree, Used& used) {
  std::string wrong;
  const TreeVisit visit{[&](Pgno pgno) {
                          const auto number = static_cast<std::size_t>(pgno);
                          if (number < used.size()) used[number] = true;
                        },
                        [&](std::string what) {
                          if (wrong.empty()) wrong = std::move(what);
                        }};
  if (check_tree(source, root, tree.objid, visit)) return Ok{};
  return ese_error(EseErr::database_corrupted, tree.name + ": " + wrong);
}

Status mark_used(const ComparedDatabase& database, Used& used) {
  for (const NamedTree& tree : all_trees(database.schema)) {
    if (Status s = mark_tree(database.source, tree.root, tree, used); !s.ok()) return s;
    auto space = read_space(database.source, tree.root, tree.objid);
    if (!space.ok()) return space.error();
    const SpaceHeader& header = space.value().header;
    if (!header.multiple()) continue;
    for (const Pgno root : {header.owned_root(), header.available_root()}) {
      if (Status s = mark_tree(database.source, root, tree, used); !s.ok()) return s;
    }
  }
  return Ok{};
}

template <class T>
std::optional<std::string> differ(const char* what, T a, T b) {
  if (a == b) return std::nullopt;
  return std::string(what) + " " + std::to_string(static_cast<std::uint64_t>(a)) + " and " +
         std::to_string(static_cast<std::uint64_t>(b));
}

bool same_node(const NodeView& a, const NodeView& b) {
  constexpr auto kLive = static_cast<std::uint8_t>(kNodeDeleted);
  return compare_keys(a.key, b.key) == 0 && compare_bytes(a.data, b.data) == 0 &&
         (a.flags & kLive) == (b.flags & kLive);
}

std::optional<std::string> compare_nodes(const PageView& a, const PageView& b) {
  if (compare_bytes(a.external_header(), b.external_header()) != 0) return "external headers";
  for (std::size_t line = 0; line < a.lines(); ++line) {
    if (!same_node(a.node(line), b.node(line))) return "node " + std::to_string(line);
  }
  return std::nullopt;
}

// What is different first; none if nothing is.
std::optional<std::string> compare_views(const PageView& a, const PageView& b) {
  if (auto d = differ("dbtime", a.dbtime(), b.dbtime())) return d;
  if (auto d = differ("object", a.objid(), b.objid())) return d;
  const std::uint32_t flags_a = a.flags() & ~kFlagsOfNoContent;
  if (auto d = differ("flags", flags_a, b.flags() & ~kFlagsOfNoContent)) return d;
  if (auto d = differ("previous page", a.previous(), b.previous())) return d;
  if (auto d = differ("next page", a.next(), b.next())) return d;
  if (auto d = differ("number of nodes", a.lines(), b.lines())) return d;
  return compare_nodes(a, b);
}

std::string_view word_for(PageSum sum) {
  if (sum == PageSum::zero) return "never written";
  return sum == PageSum::bad ? "damaged" : "whole";
}

class PageComparison {
 public:
  PageComparison(const ComparedDatabase& first, const ComparedDatabase& second, std::size_t max)
      : first_(first.source), second_(second.source), max_(max) {}

  Result<Comparison> run(const Used& used) {
    const auto last_a = static_cast<std::uint32_t>(first_.last_page());
    const auto last_b = static_cast<std::uint32_t>(second_.last_page());
    for (std::uint32_t n = 1; n <= std::min(last_a, last_b); ++n) {
      auto difference = compare(Pgno{n});
      if (!difference.ok()) return difference.error();
      ++found_.compared;
      if (!difference.value()) continue;
      if (!used[n]) {
        ++found_.different_unused;
        continue;
      }
      ++found_.different;
      note("page " + std::to_string(n) + ": " + *difference.value());
    }
    found_.only_in_first = count_used(used, last_b, last_a);
    found_.only_in_second = count_used(used, last_a, last_b);
    return std::move(found_);
  }

 private:
  void note(std::string what) {
    if (found_.differences.size() < max_) found_.differences.push_back(std::move(what));
  }

  // Of pages behind `from` up to `to`. A file may be longer than its trees.
  std::uint64_t count_used(const Used& used, std::uint32_t from, std::uint32_t to) {
    std::uint64_t count = 0;
    for (std::uint64_t n = std::uint64_t{from} + 1; n <= to; ++n) {
      if (!used[n]) continue;
      ++count;
      note("page " + std::to_string(n) + ": past the end of one of them");
    }
    return count;
  }

  Result<std::optional<std::string>> compare(Pgno pgno) {
    a_.resize(first_.page_bytes());
    b_.resize(second_.page_bytes());
    if (Status read = first_.read_pages(pgno, a_); !read.ok()) return read.error();
    if (Status read = second_.read_pages(pgno, b_); !read.ok()) return read.error();
    if (a_ == b_) return std::optional<std::string>();
    const PageSum sum_a = judge(a_, pgno), sum_b = judge(b_, pgno);
    if (sum_a != PageSum::good || sum_b != PageSum::good) {
      return std::optional(std::string(word_for(sum_a)) + " and " + std::string(word_for(sum_b)));
    }
    return compare_views(PageView(a_), PageView(b_));
  }

  // Good only if the page can be looked at.
  static PageSum judge(std::vector<std::byte>& page, Pgno pgno) {
    const PageSum sum = check_and_correct_page(page, static_cast<std::uint32_t>(pgno));
    if (sum == PageSum::zero) return sum;
    const bool whole = sum != PageSum::bad && check_page_structure(page, "", pgno).ok();
    return whole ? PageSum::good : PageSum::bad;
  }

  const PageSource& first_;
  const PageSource& second_;
  std::size_t max_;
  std::vector<std::byte> a_, b_;
  Comparison found_;
};

}  // namespace

Result<Comparison> compare_pages(const ComparedDatabase& first, const ComparedDatabase& second,
                                 std::size_t differences_max) {
  if (first.source.page_bytes() != second.source.page_bytes()) {
    return Error(Errc::invalid_argument,
                 "the two have pages of " + std::to_string(first.source.page_bytes()) + " and of " +
                     std::to_string(second.source.page_bytes()) +
                     " bytes, so only their rows can be compared");
  }
  const auto pages =
      static_cast<std::size_t>(std::max(first.source.last_page(), second.source.last_page()));
  Used used(pages + 1, false);
  for (const ComparedDatabase* database : {&first, &second}) {
    if (Status s = mark_used(*database, used); !s.ok()) {
      return s.error().while_doing(std::string(database->source.name()));
    }
  }
  return PageComparison(first, second, differences_max).run(used);
}

}  // namespace stillframe::ese

// Checks that the records of a log make sense together, as far as that shows without a database.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct LintFinding {
  Lgpos at;
  std::string what;
};

// What was looked at, so that no finding can be told from nothing to find.
struct LintCounts {
  std::uint64_t records = 0;
  std::uint64_t links = 0;  // a change whose "before" could be compared with the last "after"
  std::uint64_t macros = 0, transactions = 0;
  std::uint64_t differences = 0;  // ReplaceD streams that were measured
  std::uint64_t rollbacks = 0;

  friend bool operator==(const LintCounts&, const LintCounts&) = default;
};

// Takes the records of a chain in order. What began before the first record is not judged.
class LogLinter {
 public:
  static constexpr std::size_t kFindingsMax = 100;  // further ones are counted only

  void add(const LogRecord& record);

  const std::vector<LintFinding>& findings() const noexcept { return findings_; }
  std::uint64_t findings_count() const noexcept { return findings_count_; }
  const LintCounts& counts() const noexcept { return counts_; }

 private:
  using PageKey = std::pair<Dbid, Pgno>;
  // A change of a page by one record: `before` is none for a page that the record makes anew.
  struct Change {
    PageKey page;
    std::optional<Dbtime> before;
    Dbtime after;
  };
  struct Session {
    std::uint8_t level = 0;
  };
  using MacroKey = std::pair<Procid, Dbtime>;

  void report(Lgpos at, std::string what);
  void on_page(const LogRecord& record);
  void apply(const std::vector<Change>& changes);
  void check(const LogRecord& record, const Change& change);
  void on_macro(const LogRecord& record);
  void on_level(const LogRecord& record);
  void on_run(const LogRecord& record);
  void on_database(const LogRecord& record);
  void check_difference(const LogRecord& record);
  static std::vector<Change> changes_of(const LogRecord& record);

  std::map<PageKey, Dbtime> last_;
  std::map<MacroKey, std::vector<Change>> macros_;
  std::map<Procid, Session> sessions_;  // those whose first Begin0 was seen
  std::map<Dbid, Signature> databases_;
  std::vector<LintFinding> findings_;
  std::uint64_t findings_count_ = 0;
  LintCounts counts_;
};

}  // namespace stillframe::ese

#include "writers/ese/backup/restore_logs.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/small_types.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

std::string text(Generation generation) {
  return std::to_string(static_cast<int>(generation));
}

// Which error says that a log does not follow the one before it.
struct Follows {
  EseErr gap, signature, order, damaged;
};
constexpr Follows kSet{EseErr::missing_restore_log_files, EseErr::given_log_file_has_bad_signature,
                       EseErr::given_log_file_is_not_contiguous,
                       EseErr::log_corrupt_during_hard_restore};
constexpr Follows kFurther{
    EseErr::missing_current_log_files, EseErr::existing_log_file_has_bad_signature,
    EseErr::existing_log_file_is_not_contiguous, EseErr::log_corrupt_during_hard_recovery};

class Checker {
 public:
  Checker(Files& files, const RestoreLogsAsked& asked) : files_(files), asked_(asked) {}

  Result<RestoreLogs> check() {
    if (asked_.low > asked_.high && asked_.high != Generation::none) {
      return ese_error(EseErr::invalid_parameter, "a range of logs from " + text(asked_.low) +
                                                      " to " + text(asked_.high) + " has none");
    }
    if (Status s = read_set(); !s.ok()) return s.error();
    if (Status s = check_set(); !s.ok()) return s.error();
    if (Status s = check_strays(); !s.ok()) return s.error();
    if (Status s = check_further(); !s.ok()) return s.error();
    return found_;
  }

 private:
  bool together() const { return tidy_path(asked_.set) == tidy_path(asked_.further); }

  Result<LogSet> read(const BytePath& directory) const {
    auto set = read_log_set(files_, directory, asked_.base);
    if (set.ok()) return set;
    return ese_error(EseErr::invalid_path,
                     "the logs to restore cannot be listed: " + set.error().what());
  }

  Status read_set() {
    auto set = read(asked_.set);
    if (!set.ok()) return set.error();
    set_ = std::move(set).value();
    for (const ChainLog& log : set_.chain.logs) {
      if (log.name.kind == LogFileKind::archived) finished_[log.name.generation] = &log;
    }
    for (const BadLogFile& bad : set_.bad) {
      const auto name = parse_log_file_name(asked_.base, bad.file);
      if (name && name->kind == LogFileKind::archived) damaged_.emplace(name->generation, bad);
    }
    std::vector<Generation> all;
    for (const auto& [generation, log] : finished_) all.push_back(generation);
    for (const auto& [generation, bad] : damaged_) all.push_back(generation);
    if (all.empty()) {
      return ese_error(
          EseErr::file_not_found,
          "'" + escape_path(asked_.set) + "' has no finished log of '" + asked_.base + "'");
    }
    const auto [first, last] = std::minmax_element(all.begin(), all.end());
    oldest_ = *first;
    newest_ = *last;
    found_.low = asked_.low == Generation::none ? oldest_ : asked_.low;
    found_.high = asked_.high == Generation::none ? newest_ : asked_.high;
    return Ok{};
  }

  Status check_set() {
    const ChainLog* before = nullptr;
    for (Generation each = found_.low; each <= found_.high; each = generation_after(each)) {
      if (const auto bad = damaged_.find(each); bad != damaged_.end()) {
        return ese_error(kSet.damaged, bad->second.error.what());
      }
      const auto found = finished_.find(each);
      if (found == finished_.end()) {
        return ese_error(before == nullptr ? EseErr::file_not_found : kSet.gap,
                         "log " + text(each) + " of the backup is not in '" +
                             escape_path(asked_.set) + "'; bring it");
      }
      if (Status s = check_log(*found->second, before, kSet); !s.ok()) return s;
      before = found->second;
    }
    found_.newest_of_set = *before;
    found_.eight_digits = before->name.digits == 8;
    return Ok{};
  }

  Status check_log(const ChainLog& log, const ChainLog* before, const Follows& errors) const {
    const bool archived = log.name.kind == LogFileKind::archived;
    if (archived && log.generation() != log.name.generation) {
      return ese_error(EseErr::log_generation_mismatch,
                       "log '" + log.file + "' is of generation " + text(log.generation()));
    }
    if (before == nullptr) return Ok{};
    const auto finding = check_follows(*before, log, std::nullopt);
    if (!finding) return Ok{};
    switch (finding->err) {
      case EseErr::missing_log_file:
        return ese_error(errors.gap, finding->what);
      case EseErr::bad_log_signature:
        return ese_error(errors.signature, finding->what);
      default:  // another history
        return ese_error(errors.order, finding->what);
    }
  }

  // In one folder with newer logs, what is above the range is of these.
  Status check_strays() const {
    const auto stray = [&](EseErr err, Generation generation, const char* where) {
      return ese_error(err, "'" + escape_path(asked_.set) + "' has log " + text(generation) + ", " +
                                where +
                                " the range of the backup; name a range that has it, or "
                                "take it away");
    };
    if (oldest_ < found_.low) return stray(EseErr::starting_restore_log_too_high, oldest_, "below");
    if (newest_ > found_.high && !together()) {
      return stray(EseErr::ending_restore_log_too_low, newest_, "above");
    }
    return Ok{};
  }

  Status check_further() {
    if (asked_.further.empty()) return Ok{};
    auto listed = together() ? Result<LogSet>(set_) : read(asked_.further);
    if (!listed.ok()) return listed.error();
    const LogSet& set = listed.value();
    const auto wanted = [&](Generation generation) {
      return generation > found_.high &&
             (asked_.further_last == Generation::none || generation <= asked_.further_last);
    };
    for (const BadLogFile& bad : set.bad) {
      const auto name = parse_log_file_name(asked_.base, bad.file);
      if (name->kind == LogFileKind::archived && !wanted(name->generation)) continue;
      return ese_error(kFurther.damaged, bad.error.what());
    }
    const ChainLog* before = &found_.newest_of_set;
    for (const ChainLog& log : set.chain.logs) {
      if (!wanted(log.generation())) continue;
      if (Status s = check_log(log, before, kFurther); !s.ok()) return s;
      before = &log;
      found_.further = true;
    }
    return found_.further ? Status(Ok{}) : check_nothing_in_the_way(set);
  }

  // What is undone is logged behind the set: a folder whose own log ends before that has no place
  // for it.
  Status check_nothing_in_the_way(const LogSet& set) const {
    if (together() || set.chain.logs.empty() || asked_.further_last != Generation::none)
      return Ok{};
    const ChainLog& newest = set.chain.logs.back();
    const bool same = newest.header.fields.log == found_.newest_of_set.header.fields.log;
    if (!same) {
      return ese_error(kFurther.signature, "log '" + newest.file + "' in '" +
                                               escape_path(asked_.further) +
                                               "' is of another sequence than the backup's");
    }
    const bool finished = newest.name.kind == LogFileKind::archived;
    if (finished && newest.generation() == found_.high) return Ok{};
    return ese_error(kFurther.order, "the logs in '" + escape_path(asked_.further) +
                                         "' end with generation " + text(newest.generation()) +
                                         ", before those of the backup; take them away");
  }

  Files& files_;
  const RestoreLogsAsked& asked_;
  LogSet set_;
  std::map<Generation, const ChainLog*> finished_;
  std::map<Generation, BadLogFile> damaged_;
  Generation oldest_{}, newest_{};
  RestoreLogs found_;
};

}  // namespace

Result<RestoreLogs> check_restore_logs(Files& files, const RestoreLogsAsked& asked) {
  return Checker(files, asked).check();
}

}  // namespace stillframe::ese

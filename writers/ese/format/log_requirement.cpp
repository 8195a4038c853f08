#include "writers/ese/format/log_requirement.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "writers/ese/format/record_show.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

namespace {

using OpenGeneration = std::function<Result<LogGeneration>(Generation, bool last)>;

class Examination {
 public:
  Examination(const DatabaseHeader& database, const LogChain& chain, const OpenGeneration& open)
      : database_(database), chain_(chain), open_(open) {}

  LogRequirement run() {
    if (database_.clean() || database_.gen_max_required == Generation::none) return {};
    found_.low = database_.gen_min_required;
    found_.high = database_.gen_max_required;
    found_.committed = std::max(found_.high, database_.gen_max_committed);
    found_.missing = missing_generations(chain_, found_.low, found_.high);
    found_.committed_missing =
        missing_generations(chain_, generation_after(found_.high), found_.committed);
    const ChainLog* before = nullptr;
    for (const ChainLog& log : chain_.logs) {
      if (log.generation() < found_.low || log.generation() > found_.committed) continue;
      examine(log, before);
      before = &log;
    }
    return std::move(found_);
  }

 private:
  void mismatch(EseErr err, const ChainLog& log, const std::string& why) {
    found_.mismatched.push_back({err, log.generation(), "log '" + log.file + "' " + why});
  }

  void examine(const ChainLog& log, const ChainLog* before) {
    const LogHeader& header = log.header.fields;
    if (header.log != database_.sign_log) {
      mismatch(EseErr::bad_log_signature, log,
               "is of the log sequence " + to_text(header.log) + ", the database of " +
                   to_text(database_.sign_log));
    }
    check_time(log, found_.high, database_.time_gen_max_required);
    check_time(log, found_.committed, database_.time_gen_max_create);
    std::optional<std::uint64_t> checksums;
    if (log.generation() <= found_.high) checksums = read(log);
    // A gap and another signature have been named already.
    const bool neighbour = before != nullptr &&
                           generation_after(before->generation()) == log.generation() &&
                           before->header.fields.log == header.log;
    if (neighbour) {
      if (auto broken = check_follows(*before, log, checksums_before_)) {
        found_.mismatched.push_back(std::move(*broken));
      }
    }
    checksums_before_ = checksums;
  }

  // The database keeps the creation time of a generation or two; before Windows 8 it did not.
  void check_time(const ChainLog& log, Generation generation, const LogTime& created) {
    if (log.generation() != generation || !created.set()) return;
    const LogTime& its = log.header.fields.created;
    if (its == created) return;
    mismatch(EseErr::invalid_log_sequence, log,
             "was created at " + to_text(its) + ", but the database needs the one created at " +
                 to_text(created));
  }

  std::optional<std::uint64_t> read(const ChainLog& log) {
    auto read = open_(log.generation(), log.generation() == chain_.newest());
    if (read.ok()) return read.value().checksums();
    found_.torn.push_back({EseErr::log_corrupted, log.generation(), read.error().what()});
    return std::nullopt;
  }

  const DatabaseHeader& database_;
  const LogChain& chain_;
  const OpenGeneration& open_;
  LogRequirement found_;
  std::optional<std::uint64_t> checksums_before_;
};

}  // namespace

LogRequirement examine_requirement(const DatabaseHeader& database, const LogChain& chain,
                                   const OpenGeneration& open) {
  return Examination(database, chain, open).run();
}

}  // namespace stillframe::ese

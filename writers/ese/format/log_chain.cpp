#include "writers/ese/format/log_chain.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "writers/ese/format/record_show.hpp"
#include "writers/ese/format/record_types.hpp"

namespace stillframe::ese {

namespace {

std::int32_t number(Generation generation) {
  return static_cast<std::int32_t>(generation);
}

std::string hexadecimal(Generation generation) {
  char text[16];
  std::snprintf(text, sizeof text, "%X", static_cast<unsigned>(generation));
  return text;
}

ChainFinding finding(EseErr err, const ChainLog& log, std::string why) {
  return {err, log.generation(), "log '" + log.file + "' " + std::move(why)};
}

bool is_current(const ChainLog& log) {
  return log.name.kind == LogFileKind::current;
}

// A file's own name must say what its header says, and the current log must be the newest.
void check_names(const std::vector<ChainLog>& logs, std::vector<ChainFinding>& findings) {
  for (const ChainLog& log : logs) {
    if (!is_current(log) && log.name.generation != log.generation()) {
      findings.push_back(finding(EseErr::invalid_log_sequence, log,
                                 "holds generation " + hexadecimal(log.generation()) +
                                     ", which is not what its name says; it was renamed"));
    }
    if (is_current(log) && &log != &logs.back()) {
      findings.push_back(finding(EseErr::invalid_log_sequence, log,
                                 "should be the newest, but '" + logs.back().file +
                                     "' has a later generation; the files are of two runs"));
    }
  }
}

std::string gap_text(const ChainLog& before, const ChainLog& next) {
  const Generation first{number(before.generation()) + 1}, last{number(next.generation()) - 1};
  return "follows a gap: generation" +
         (first == last ? " " + hexadecimal(first) + " is"
                        : "s " + hexadecimal(first) + " to " + hexadecimal(last) + " are") +
         " missing";
}

}  // namespace

Generation LogChain::newest() const {
  return logs.empty() ? Generation::none : logs.back().generation();
}

Generation LogChain::usable_from() const {
  if (logs.empty()) return Generation::none;
  return findings.empty() ? logs.front().generation() : findings.back().generation;
}

const ChainLog* LogChain::find(Generation generation) const {
  const auto log = std::find_if(logs.begin(), logs.end(), [&](const ChainLog& candidate) {
    return candidate.generation() == generation;
  });
  return log == logs.end() ? nullptr : &*log;
}

std::optional<ChainFinding> check_follows(const ChainLog& before, const ChainLog& next,
                                          std::optional<std::uint64_t> checksums) {
  const LogHeader &b = before.header.fields, &n = next.header.fields;
  if (b.log != n.log) {
    return finding(EseErr::bad_log_signature, next,
                   "is of the log sequence " + to_text(n.log) + ", '" + before.file + "' of " +
                       to_text(b.log));
  }
  if (b.generation == n.generation) {
    return finding(EseErr::invalid_log_sequence, next,
                   "has the same generation as '" + before.file + "'");
  }
  if (number(b.generation) + 1 != number(n.generation)) {
    return finding(EseErr::missing_log_file, next, gap_text(before, next));
  }
  if (n.created_previous != b.created) {
    return finding(EseErr::invalid_log_sequence, next,
                   "follows a log created at " + to_text(n.created_previous) + ", but '" +
                       before.file + "' was created at " + to_text(b.created));
  }
  const bool known = checksums && n.chains_checksums() && n.previous_segments != 0;
  if (known && n.previous_segments != *checksums) {
    return finding(EseErr::log_sequence_checksum_mismatch, next,
                   "was begun behind other contents than '" + before.file + "' has now");
  }
  return std::nullopt;
}

LogChain examine_chain(std::vector<ChainLog> files) {
  LogChain chain;
  for (ChainLog& file : files) {
    const LogFileKind kind = file.name.kind;
    if (kind == LogFileKind::temporary) chain.temporaries.push_back(std::move(file));
    if (kind == LogFileKind::archived || kind == LogFileKind::current) {
      chain.logs.push_back(std::move(file));
    }
  }
  std::stable_sort(chain.logs.begin(), chain.logs.end(), [](const ChainLog& a, const ChainLog& b) {
    return std::pair(a.generation(), is_current(a)) < std::pair(b.generation(), is_current(b));
  });
  chain.rolling =
      !chain.temporaries.empty() && std::none_of(chain.logs.begin(), chain.logs.end(), is_current);
  check_names(chain.logs, chain.findings);
  for (std::size_t i = 1; i < chain.logs.size(); ++i) {
    auto found = check_follows(chain.logs[i - 1], chain.logs[i], std::nullopt);
    if (found) chain.findings.push_back(std::move(*found));
  }
  std::stable_sort(
      chain.findings.begin(), chain.findings.end(),
      [](const ChainFinding& a, const ChainFinding& b) { return a.generation < b.generation; });
  return chain;
}

std::vector<Generation> missing_generations(const LogChain& chain, Generation low, Generation high,
                                            std::size_t count_max) {
  std::vector<Generation> missing;
  for (std::int64_t n = number(low); n <= number(high) && missing.size() < count_max; ++n) {
    const Generation generation{static_cast<std::int32_t>(n)};
    if (chain.find(generation) == nullptr) missing.push_back(generation);
  }
  return missing;
}

}  // namespace stillframe::ese

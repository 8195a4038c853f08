// What each job of a volume did last, as a file of the volume's own folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe::dedup {

// Numbers as Windows has them.
enum class JobKind { optimization = 1, garbage_collection = 2, scrubbing = 3, unoptimization = 4 };
inline constexpr JobKind kJobKinds[] = {JobKind::optimization, JobKind::garbage_collection,
                                        JobKind::scrubbing, JobKind::unoptimization};
std::string_view to_string(JobKind kind);

struct JobRecord {
  std::int64_t started_ns = 0, ended_ns = 0;  // since 1970
  int result = 0;                             // the number of an Errc; 0: it came to its end
  std::string message;
  std::vector<std::pair<std::string, std::uint64_t>> counts;  // in its report's order

  std::uint64_t count(std::string_view name) const;  // 0 if it has none
  friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

using JobHistory = std::map<JobKind, JobRecord>;  // of those that have run

std::string format_history(const JobHistory& history);
Result<JobHistory> parse_history(std::string_view text);

}  // namespace stillframe::dedup

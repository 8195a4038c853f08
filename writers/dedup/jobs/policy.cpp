#include "writers/dedup/jobs/policy.hpp"

#include <algorithm>

#include <fnmatch.h>

#include "framework/base/path.hpp"

namespace stillframe::dedup {

namespace {

bool any_pattern_matches(const std::vector<std::string>& patterns, const BytePath& path) {
  const BytePath name = last_component("/" + path);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    const bool whole = pattern.find('/') != std::string::npos;
    return ::fnmatch(pattern.c_str(), (whole ? path : name).c_str(), FNM_PATHNAME) == 0;
  });
}

}  // namespace

bool excludes_folder(const JobPolicy& policy, const BytePath& path) {
  return any_pattern_matches(policy.excluded_folders, path);
}

PolicyVerdict judge(const JobPolicy& policy, const BytePath& path, const PolicyFacts& facts,
                    std::int64_t now_ns) {
  if (any_pattern_matches(policy.excluded_files, path)) return PolicyVerdict::excluded;
  // An empty one has nothing to give back, whatever the policy says.
  if (facts.bytes == 0 || facts.bytes < policy.bytes_min) return PolicyVerdict::too_small;
  // Times from the future are those of a clock that was put right: waiting for it helps nobody.
  const std::int64_t age_ns = now_ns - facts.modified_ns;
  const std::int64_t age_min_ns = std::chrono::nanoseconds(policy.age_min).count();
  if (age_ns >= 0 && age_ns < age_min_ns) return PolicyVerdict::too_young;
  return PolicyVerdict::optimize;
}

}  // namespace stillframe::dedup

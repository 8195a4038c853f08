// Which files are worth deduplicating. Pure: no I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>

namespace stillframe::dedup {

// Patterns are those of fnmatch(3). One with a slash is compared with the whole path below the
// root, and its wildcards do not match slashes; one without, with the last name of it.
struct JobPolicy {
  // Since the last write. When a file was read last is not kept by most mounts, and reading it for
  // a backup would make it young.
  std::chrono::seconds age_min = std::chrono::hours(72);
  std::uint64_t bytes_min = 32768;
  std::vector<std::string> excluded_folders;  // with all below them
  std::vector<std::string> excluded_files;    // "*.tmp"
  // A chunk that files name as often is kept twice; 0: none anew.
  std::uint32_t references_min = 100;
};

enum class PolicyVerdict { optimize, excluded, too_small, too_young };

struct PolicyFacts {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
};

bool excludes_folder(const JobPolicy& policy, const BytePath& path);
PolicyVerdict judge(const JobPolicy& policy, const BytePath& path, const PolicyFacts& facts,
                    std::int64_t now_ns);

}  // namespace stillframe::dedup

// What jobs may take, as options of verbs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>

#include "writers/dedup/jobs/job_throttle.hpp"
#include "writers/tool/output.hpp"

namespace stillframe::dedup::tool {

class LimitOptions {
 public:
  std::vector<CLI::Option*> describe(CLI::App& command);

  // Those that were given, as a question has them.
  stillframe::tool::Json json() const;
  JobLimits over(JobLimits limits) const;

 private:
  std::optional<std::uint64_t> bytes_per_second_, memory_bytes_;
  std::optional<unsigned> cpu_percent_;
};

}  // namespace stillframe::dedup::tool

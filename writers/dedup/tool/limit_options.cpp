#include "writers/dedup/tool/limit_options.hpp"

namespace stillframe::dedup::tool {

std::vector<CLI::Option*> LimitOptions::describe(CLI::App& command) {
  return {
      command
          .add_option("--io-rate", bytes_per_second_,
                      "Bytes of content that a job reads a second, such as 20M; 0: any")
          ->transform(CLI::AsSizeValue(false)),
      command
          .add_option("--cpu-percent", cpu_percent_,
                      "Share of one processor that a job takes; 0: all")
          ->check(CLI::Range(0u, kCpuPercentMax)),
      command
          .add_option("--memory-max", memory_bytes_,
                      "Memory of the process that has the volume, such as 2G; a job that finds "
                      "more ends; 0: any")
          ->transform(CLI::AsSizeValue(false)),
  };
}

stillframe::tool::Json LimitOptions::json() const {
  auto json = stillframe::tool::Json::object();
  if (bytes_per_second_) json["bytes_per_second"] = *bytes_per_second_;
  if (cpu_percent_) json["cpu_percent"] = *cpu_percent_;
  if (memory_bytes_) json["memory_bytes"] = *memory_bytes_;
  return json;
}

JobLimits LimitOptions::over(JobLimits limits) const {
  if (bytes_per_second_) limits.bytes_per_second = *bytes_per_second_;
  if (cpu_percent_) limits.cpu_percent = *cpu_percent_;
  if (memory_bytes_) limits.memory_bytes = *memory_bytes_;
  return limits;
}

}  // namespace stillframe::dedup::tool

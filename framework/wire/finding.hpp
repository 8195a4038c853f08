// What a look at the service found, one thing each, for people and as JSON
// (docs/schemas/doctor.schema.json). docs/operations.md lists the checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

enum class Severity {
  good,     // it was looked at, and all is well
  note,     // worth knowing; nothing is to be mended
  warning,  // works, but not as it should
  problem,  // keeps backups from working
};
std::string_view to_string(Severity severity) noexcept;

struct Finding {
  Severity severity = Severity::good;
  std::string check;   // "broker.silent"; stable for ever
  std::string object;  // a path, a plug-in, a writer
  std::string what;    // what is so with it
  std::string cause;   // why, as far as can be told; may be empty
  std::string remedy;  // a command where there is one; empty when nothing is to be mended
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

// {"findings": [{"severity": .., "check": .., "object": .., "what": .., "cause": .., "remedy":
// ..}]}
nlohmann::json findings_to_json(const Findings& findings);
Result<Findings> findings_from_json(const nlohmann::json& json);

}  // namespace stillframe

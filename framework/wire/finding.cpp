#include "framework/wire/finding.hpp"

#include <array>

#include <nlohmann/json.hpp>

namespace stillframe {
namespace {

using nlohmann::json;

struct Member {
  const char* name;
  std::string Finding::*text;
};
constexpr std::array kMembers = {Member{"check", &Finding::check},
                                 Member{"object", &Finding::object}, Member{"what", &Finding::what},
                                 Member{"cause", &Finding::cause},
                                 Member{"remedy", &Finding::remedy}};

Result<Severity> severity_from(const json& finding) {
  const auto found = finding.find("severity");
  for (const Severity severity :
       {Severity::good, Severity::note, Severity::warning, Severity::problem})
    if (found != finding.end() && found->is_string() && *found == to_string(severity))
      return severity;
  return Error(Errc::corrupt, "finding: 'severity' is missing or wrong");
}

Result<Finding> finding_from(const json& value) {
  if (!value.is_object()) return Error(Errc::corrupt, "finding is no JSON object");
  auto severity = severity_from(value);
  if (!severity.ok()) return severity.error();
  Finding finding;
  finding.severity = severity.value();
  for (const Member& member : kMembers) {
    const auto found = value.find(member.name);
    if (found == value.end() || !found->is_string())
      return Error(Errc::corrupt,
                   "finding: '" + std::string(member.name) + "' is missing or wrong");
    finding.*member.text = found->get<std::string>();
  }
  return finding;
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::good:
      return "good";
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::problem:
      return "problem";
  }
  return "problem";
}

json findings_to_json(const Findings& findings) {
  json list = json::array();
  for (const Finding& finding : findings) {
    json one{{"severity", to_string(finding.severity)}};
    for (const Member& member : kMembers) one[member.name] = finding.*member.text;
    list.push_back(std::move(one));
  }
  return {{"findings", std::move(list)}};
}

Result<Findings> findings_from_json(const json& value) {
  const auto list = value.is_object() ? value.find("findings") : value.end();
  if (!value.is_object() || list == value.end() || !list->is_array())
    return Error(Errc::corrupt, "findings: 'findings' is missing or no list");
  Findings findings;
  for (const json& each : *list) {
    auto finding = finding_from(each);
    if (!finding.ok()) return finding.error();
    findings.push_back(std::move(finding).value());
  }
  return findings;
}

}  // namespace stillframe

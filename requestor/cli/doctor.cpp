// doctor: what keeps, or would keep, a backup from working, each with what to do about it.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "requestor/cli/context.hpp"
#include "requestor/doctor/diagnosis.hpp"

namespace stillframe::cli {
namespace {

Findings look(Context& context) {
  const GlobalOptions& options = context.invocation.global;
  requestor::WhereToLook where;
  if (!options.socket_dir.empty()) where.socket = options.socket_dir + "/requestor.sock";
  where.daemon_config = context.invocation.doctor.daemon_config;
  where.embedded = options.embedded;
  const auto connection = context.connect(options);
  if (!connection.ok()) return requestor::diagnose(connection.error(), where);
  return requestor::diagnose(connection.value().channel, where);
}

void print(Terminal& terminal, const Finding& finding) {
  const bool good = finding.severity == Severity::good;
  terminal.print(fmt::format("{:<8} {} {}", good ? "ok" : to_string(finding.severity),
                             finding.object, finding.what));
  constexpr int kIndent = 9;
  if (!finding.cause.empty())
    terminal.print(fmt::format("{:{}}cause: {}", "", kIndent, finding.cause));
  if (!finding.remedy.empty())
    terminal.print(fmt::format("{:{}}remedy: {}", "", kIndent, finding.remedy));
}

}  // namespace

int verb_doctor(Context& context) {
  const Findings findings = look(context);
  if (context.terminal.json()) {
    context.terminal.print_json(findings_to_json(findings));
  } else {
    for (const Finding& finding : findings) print(context.terminal, finding);
  }
  const bool mend = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity >= Severity::warning;
  });
  return to_int(mend ? Exit::something_to_mend : Exit::ok);
}

}  // namespace stillframe::cli

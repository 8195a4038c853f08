#include "requestor/cli/run_cli.hpp"

#include <map>

#include <fmt/format.h>

#include "framework/base/config.hpp"
#include "framework/io/file.hpp"
#include "requestor/cli/parse.hpp"
#include "requestor/cli/remote_options.hpp"

namespace stillframe::cli {
namespace {

using Verb = int (*)(Context&);

const std::map<std::string, Verb>& verbs() {
  static const std::map<std::string, Verb> all = {
      {"writers", verb_writers},
      {"components", verb_components},
      {"providers", verb_providers},
      {"volumes", verb_volumes},
      {"plugins", verb_plugins},
      {"plugins release", verb_plugins_release},
      {"doctor", verb_doctor},
      {"events", verb_events},
      {"status", verb_status},
      {"watch", verb_watch},
      {"sessions", verb_sessions},
      {"session end", verb_session_end},
      {"snapshot create", verb_snapshot_create},
      {"snapshot list", verb_snapshot_list},
      {"snapshot show", verb_snapshot_show},
      {"snapshot expose", verb_snapshot_expose},
      {"snapshot unexpose", verb_snapshot_unexpose},
      {"snapshot delete", verb_snapshot_delete},
      {"snapshot revert", verb_snapshot_revert},
      {"backup", verb_backup},
      {"verify", verb_verify},
      {"show", verb_show},
      {"restore", verb_restore},
      {"restore resume", verb_restore_resume},
      {"restore abandon", verb_restore_abandon},
      {"restore finish-staged", verb_restore_finish_staged},
      {"exec", verb_exec},
      {"hold", verb_hold},
      {"gate", verb_gate},
  };
  return all;
}

}  // namespace

Status apply_config(GlobalOptions& options) {
  if (options.config.empty()) return Ok{};
  auto text = read_file(options.config, kConfigBytesMax);
  if (!text.ok()) return text.error();
  auto table = ConfigTable::parse(text.value(), options.config);
  if (!table.ok()) return table.error();
  const BytePath socket = table.value().text("socket");
  const bool embedded = table.value().flag("embedded", false);
  const bool json = table.value().flag("json", false);
  options.state_dir = table.value().text("state_dir");
  options.runtime_dir = table.value().text("runtime_dir");
  options.helper_dir = table.value().text("helper_dir");
  options.writer_configs = table.value().texts("writer_configs");
  options.command_providers = table.value().texts("command_providers");
  options.service_command = table.value().texts("service_command");
  options.service_timeout =
      table.value().milliseconds("service_timeout_ms", options.service_timeout);
  const auto timeout = table.value().milliseconds("timeout_ms", options.timeout);
  if (Status s = table.value().finish(); !s.ok()) return s;
  if (options.socket_dir.empty()) options.socket_dir = socket;
  options.embedded = options.embedded || embedded;
  options.json = options.json || json;
  options.timeout = timeout;
  return Ok{};
}

int run_cli(const std::vector<std::string>& arguments, const Connector& connect,
            const Streams& streams, std::stop_token stop) {
  auto parsed = parse_command_line(arguments);
  if (const Answer* answer = std::get_if<Answer>(&parsed)) {
    fmt::print(answer->to_stderr ? streams.err : streams.out, "{}", answer->text);
    return answer->exit_code;
  }
  Invocation& invocation = std::get<Invocation>(parsed);
  const Status configured = apply_config(invocation.global);
  Terminal terminal(streams.out, streams.err, invocation.global, streams.interactive);
  if (!configured.ok()) return terminal.fail(configured.error());
  if (Status s = check_host(invocation); !s.ok()) return terminal.fail(s.error());
  Context context{invocation, terminal, connect, std::move(stop)};
  const auto verb = verbs().find(invocation.verb);
  if (verb == verbs().end()) {
    return terminal.fail(Error(Errc::internal, "no program for verb '" + invocation.verb + "'"));
  }
  const int code = verb->second(context);
  terminal.end_progress();
  return code;
}

}  // namespace stillframe::cli

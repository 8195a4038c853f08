// writers, components, providers, volumes, sessions, session end, plugins, plugins release.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "framework/model/enum_names.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "requestor/cli/context.hpp"

namespace stillframe::cli {
namespace {

template <class T>
int print_list(Context& context, const char* name, const Result<std::vector<T>>& list,
               std::vector<std::string> heading,
               const std::function<std::vector<std::string>(const T&)>& row) {
  if (!list.ok()) return context.terminal.fail(list.error());
  if (context.terminal.json()) {
    context.terminal.print_json({{name, encode_json(list.value())}});
    return to_int(Exit::ok);
  }
  std::vector<std::vector<std::string>> rows{std::move(heading)};
  for (const T& item : list.value()) rows.push_back(row(item));
  context.terminal.print_table(rows);
  return to_int(Exit::ok);
}

std::string capabilities_text(const Capabilities& can) {
  std::string text;
  const auto add = [&](Capability capability, const char* name) {
    if (can.has(capability)) text += (text.empty() ? "" : ",") + std::string(name);
  };
  add(Capability::snapshot, "snapshot");
  add(Capability::streaming, "streaming");
  add(Capability::logs, "logs");
  add(Capability::restore_events, "restore");
  add(Capability::staged_restore, "staged");
  add(Capability::verify, "verify");
  return text;
}

bool chosen(const SelectionOptions& selection, const WriterStatus& writer,
            const Component& component) {
  if (selection.components.empty()) return true;
  for (const std::string& text : selection.components) {
    const auto colon = text.find(':');
    const std::string name = colon == std::string::npos ? "" : text.substr(0, colon);
    const std::string rest = colon == std::string::npos ? text : text.substr(colon + 1);
    const bool writer_fits =
        name.empty() || name == writer.identity.name || name == writer.identity.instance_name;
    const std::string full = component.name.full();
    const bool prefix = rest.ends_with('/') && full.starts_with(rest);
    if (writer_fits && (rest.empty() || rest == "*" || rest == full || prefix)) return true;
  }
  return false;
}

}  // namespace

int verb_writers(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto writers = connected.value().client.writers();
  if (writers.ok() && context.invocation.metadata && !context.terminal.json()) {
    for (const WriterStatus& writer : writers.value()) {
      if (writer.metadata) context.terminal.print(to_json(*writer.metadata));
    }
    return to_int(Exit::ok);
  }
  return print_list<WriterStatus>(
      context, "writers", writers,
      {"NAME", "INSTANCE", "STATE", "CAN", "COMPONENTS", "PROCESS", "FAILURE"},
      [](const WriterStatus& writer) -> std::vector<std::string> {
        return {writer.identity.name,
                writer.identity.instance_name,
                std::string(enum_name(writer.state)),
                capabilities_text(writer.identity.capabilities),
                writer.metadata ? std::to_string(writer.metadata->components.size()) : "-",
                fmt::format("{} ({})", writer.process.pid, writer.process.user),
                writer.failure ? writer.failure->message : ""};
      });
}

int verb_components(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto writers = connected.value().client.writers();
  if (!writers.ok()) return context.terminal.fail(writers.error());
  nlohmann::json list = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows{
      {"WRITER", "COMPONENT", "TYPE", "BACKUP", "RESTORE", "FILES"}};
  for (const WriterStatus& writer : writers.value()) {
    if (!writer.metadata) continue;
    for (const Component& component : writer.metadata->components) {
      if (!chosen(context.invocation.selection, writer, component)) continue;
      nlohmann::json item = encode_json(component);
      item["writer"] = writer.identity.instance_name;
      list.push_back(std::move(item));
      std::string files;
      for (const FileSet& set : component.files) {
        files += (files.empty() ? "" : " ") + escape_path(set.path) + "/" +
                 escape_path(set.pattern) + (set.recursive ? "/**" : "");
      }
      rows.push_back({writer.identity.instance_name, component.name.full(),
                      std::string(enum_name(component.type)),
                      component.selectable_for_backup ? "selectable" : "with its set",
                      component.selectable_for_restore ? "selectable" : "with its set", files});
    }
  }
  if (context.terminal.json()) {
    context.terminal.print_json({{"components", std::move(list)}});
  } else {
    context.terminal.print_table(rows);
  }
  return to_int(Exit::ok);
}

int verb_providers(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  return print_list<ProviderInfo>(
      context, "providers", connected.value().client.providers(),
      {"NAME", "ID", "VERSION", "ATOMICITY", "FREEZES", "PREFERENCE"},
      [](const ProviderInfo& provider) -> std::vector<std::string> {
        return {provider.name,
                provider.id.to_string(),
                fmt::format("{}.{}", provider.version.major, provider.version.minor),
                std::string(enum_name(provider.atomicity)),
                provider.freezes_file_system ? "yes" : "no",
                std::to_string(provider.preference)};
      });
}

int verb_volumes(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  return print_list<Volume>(context, "volumes", connected.value().client.volumes(),
                            {"MOUNTED AT", "TYPE", "DEVICE", "ID", "STATE"},
                            [](const Volume& volume) -> std::vector<std::string> {
                              return {escape_path(volume.mount_point), volume.fs_type,
                                      escape_path(volume.device), volume.id,
                                      volume.read_only ? "read-only" : "writable"};
                            });
}

int verb_sessions(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  return print_list<SessionInfo>(
      context, "sessions", connected.value().client.sessions(),
      {"SESSION", "REQUESTOR", "KIND", "PHASE", "SINCE", "WAITS FOR"},
      [](const SessionInfo& session) -> std::vector<std::string> {
        const Duration since = system_clock().now() - session.since;
        return {session.session.to_string(),
                session.requestor,
                session.kind,
                session.phase,
                fmt::format("{:.0f} s ago", static_cast<double>(since.count()) / 1e9),
                session.waiting_for};
      });
}

int verb_session_end(Context& context) {
  auto id = SessionId::parse(context.invocation.argument);
  if (!id.ok()) return context.terminal.fail(id.error().while_doing("reading the session's id"));
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  Status ended = connected.value().client.end_session(id.value());
  if (!ended.ok()) return context.terminal.fail(ended.error());
  if (context.terminal.json()) {
    context.terminal.print_json({{"ended", id.value().to_string()}});
  }
  context.terminal.note("session " + id.value().to_string() + " was ended");
  return to_int(Exit::ok);
}

int verb_plugins(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  return print_list<PluginInfo>(
      context, "plugins", connected.value().client.plugins(),
      {"NAME", "KIND", "STATE", "SINCE", "PROCESS", "CRASHES", "NEXT ATTEMPT", "LAST END"},
      [](const PluginInfo& plugin) -> std::vector<std::string> {
        return {plugin.name,
                plugin.kind,
                std::string(enum_name(plugin.state)),
                time_text(plugin.since),
                plugin.process != 0 ? std::to_string(plugin.process) : "-",
                std::to_string(plugin.crashes),
                plugin.next_attempt ? time_text(*plugin.next_attempt) : "-",
                plugin.reason};
      });
}

int verb_plugins_release(Context& context) {
  const std::string& name = context.invocation.argument;
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  Status released = connected.value().client.release_plugin(name);
  if (!released.ok()) return context.terminal.fail(released.error());
  if (context.terminal.json()) context.terminal.print_json({{"released", name}});
  context.terminal.note("plug-in '" + name + "' is started again");
  return to_int(Exit::ok);
}

}  // namespace stillframe::cli

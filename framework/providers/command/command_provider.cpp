#include "framework/providers/command/command_provider.hpp"

#include <algorithm>
#include <map>

#include "framework/base/config.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/model/enum_names.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe {

namespace {

const std::map<std::string, std::uint32_t>& capability_names() {
  static const std::map<std::string, std::uint32_t> names = {
      {"persistent", ProviderCapabilities::kPersistent},
      {"writable", ProviderCapabilities::kWritable},
      {"expose", ProviderCapabilities::kExpose},
      {"revert", ProviderCapabilities::kRevert},
      {"differential", ProviderCapabilities::kDifferential},
      {"clone", ProviderCapabilities::kClone}};
  return names;
}

bool is_provider_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

ProviderInfo read_info(ConfigTable table) {
  ProviderInfo info;
  auto id = ProviderId::parse(table.required_text("id"));
  if (id.ok() && !id.value().is_nil()) {
    info.id = id.value();
  } else {
    table.reject("id", "must be an id such as uuidgen(1) prints");
  }
  info.name = table.required_text("name");
  if (!is_provider_name(info.name)) {
    table.reject("name", "must be 1 to 64 of a-z, 0-9, '-' and '_'");
  }
  info.version.major = static_cast<std::uint32_t>(table.number("version", 1, 0, UINT32_MAX));
  auto atomicity = parse_enum<Atomicity>(table.text("atomicity", "file"));
  if (atomicity.ok()) {
    info.atomicity = atomicity.value();
  } else {
    table.reject("atomicity", atomicity.error().what());
  }
  for (const std::string& name : table.texts("capabilities")) {
    const auto found = capability_names().find(name);
    if (found != capability_names().end()) {
      info.capabilities.bits |= found->second;
    } else {
      table.reject("capabilities",
                   "must be among persistent, writable, expose, revert, "
                   "differential, clone");
    }
  }
  info.preference = static_cast<int>(table.number("preference", 10, -1000, 1000));
  info.expected_commit = table.milliseconds("expected_commit_ms", std::chrono::milliseconds(1000));
  return info;
}

ChildOptions read_program(ConfigTable& root) {
  ChildOptions program;
  program.command = root.texts("program");
  if (program.command.empty() || !is_plain_absolute(program.command[0])) {
    root.reject("program", "must be a list that begins with the absolute path of a program");
  }
  program.working_directory = root.text("working_directory", "/");
  if (!is_plain_absolute(program.working_directory)) {
    root.reject("working_directory", "must be an absolute path");
  }
  program.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
  for (auto& variable : root.table("environment").all_texts()) {
    const auto same = [&](const auto& known) { return known.first == variable.first; };
    std::erase_if(program.environment, same);
    program.environment.push_back(std::move(variable));
  }
  return program;
}

ProviderTimeouts read_timeouts(ConfigTable table) {
  ProviderTimeouts timeouts;
  timeouts.start = table.milliseconds("start", timeouts.start);
  timeouts.brief = table.milliseconds("brief", timeouts.brief);
  timeouts.prepare = table.milliseconds("prepare", timeouts.prepare);
  timeouts.commit = table.milliseconds("commit", timeouts.commit);
  timeouts.final = table.milliseconds("final", timeouts.final);
  timeouts.revert = table.milliseconds("revert", timeouts.revert);
  return timeouts;
}

}  // namespace

Result<ProgramProviderOptions> parse_command_provider(std::string_view toml,
                                                      std::string_view source) {
  auto parsed = ConfigTable::parse(toml, source);
  if (!parsed.ok()) return parsed.error();
  ConfigTable root = parsed.value();
  const std::int64_t format = root.number("format", 0, 0, INT64_MAX);
  if (format > 1) {
    return Error(Errc::future_version, escape_path(source) + ": format " + std::to_string(format) +
                                           " is newer than this program, which reads format 1");
  }
  if (format != 1) root.reject("format", "must be 1");
  ProgramProviderOptions options;
  options.info = read_info(root.table("provider"));
  options.name = "command provider '" + options.info->name + "'";
  options.program = read_program(root);
  options.timeouts = read_timeouts(root.table("timeouts_ms"));
  if (Status s = root.finish(); !s.ok()) return s.error();
  return options;
}

Result<std::unique_ptr<Provider>> load_command_provider(const BytePath& path,
                                                        const CommandProviderOptions& options) {
  auto text = read_trusted_file(path, options.trusted_owner, kConfigBytesMax);
  if (!text.ok()) return text.error();
  auto parsed = parse_command_provider(text.value(), path);
  if (!parsed.ok()) return parsed.error();
  ProgramProviderOptions program = std::move(parsed).value();
  program.events = options.events;
  program.check = [owner = options.trusted_owner](const ChildOptions& child) {
    return check_trusted_program(child.command[0], owner);
  };
  auto started = ProgramProvider::start(std::move(program));
  if (!started.ok()) return started.error();
  return std::unique_ptr<Provider>(std::move(started).value());
}

}  // namespace stillframe

#include "requestor/cli/remote_options.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "framework/base/config.hpp"
#include "framework/io/file.hpp"

namespace stillframe::cli {
namespace {

struct LocalVerb {
  std::string_view verb, why;
};

constexpr std::string_view kRestoreWhy =
    "a restore writes files and an interlock beside the target; run it on the machine that gets "
    "them, where the backup set can be reached";
constexpr std::array kLocalVerbs = {
    LocalVerb{"restore", kRestoreWhy},
    LocalVerb{"restore resume", kRestoreWhy},
    LocalVerb{"restore abandon", kRestoreWhy},
    LocalVerb{"restore finish-staged", kRestoreWhy},
    LocalVerb{"exec", "its command reads snapshots by their paths, which are the other machine's"},
    LocalVerb{"gate", "it starts an application on this machine"},
    LocalVerb{"doctor", "it looks at the machine it runs on; run it there"},
    LocalVerb{"verify", "backup sets are on this machine"},
    LocalVerb{"show", "backup sets are on this machine"},
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

struct FromFile {
  TlsFiles files;
  std::int64_t port = kRemotePort;
};

Result<FromFile> read_file_options(const BytePath& folder) {
  FromFile said;
  const BytePath file = folder + "/remote.toml";
  if (folder.empty() || ::access(file.c_str(), F_OK) != 0) return said;
  auto text = read_file(file, kConfigBytesMax);
  if (!text.ok()) return text.error();
  auto table = ConfigTable::parse(text.value(), file);
  if (!table.ok()) return table.error();
  said.files.certificate = table.value().text("certificate");
  said.files.key = table.value().text("key");
  said.files.ca = table.value().text("ca");
  said.port = table.value().number("port", said.port, 1, 65535);
  if (Status s = table.value().finish(); !s.ok()) return s.error();
  return said;
}

BytePath first_of(const BytePath& line, const BytePath& environment, const BytePath& file,
                  const BytePath& folder, const char* name) {
  for (const BytePath* one : {&line, &environment, &file})
    if (!one->empty()) return *one;
  return folder.empty() ? BytePath() : folder + "/" + name;
}

}  // namespace

RemoteEnvironment own_remote_environment() {
  RemoteEnvironment environment;
  environment.certificate = variable("STILLFRAME_CERTIFICATE");
  environment.key = variable("STILLFRAME_KEY");
  environment.ca = variable("STILLFRAME_CA");
  const std::string config = variable("XDG_CONFIG_HOME"), home = variable("HOME");
  if (config.starts_with('/')) {
    environment.config_dir = config + "/stillframe";
  } else if (home.starts_with('/')) {
    environment.config_dir = home + "/.config/stillframe";
  }
  return environment;
}

Result<RemoteOptions> remote_options_of(const GlobalOptions& options,
                                        const RemoteEnvironment& environment) {
  auto address = parse_remote_address(options.host);
  if (!address.ok()) return address.error().while_doing("--host");
  auto file = read_file_options(environment.config_dir);
  if (!file.ok()) return file.error();
  const TlsFiles& said = file.value().files;
  RemoteOptions remote;
  remote.address = address.value();
  const bool has_port = to_string(remote.address) == options.host;
  if (!has_port) remote.address.port = static_cast<std::uint16_t>(file.value().port);
  remote.tls.certificate = first_of(options.certificate, environment.certificate, said.certificate,
                                    environment.config_dir, "client.pem");
  remote.tls.key =
      first_of(options.key, environment.key, said.key, environment.config_dir, "client.key");
  remote.tls.ca = first_of(options.ca, environment.ca, said.ca, environment.config_dir, "ca.pem");
  remote.timeout = options.timeout;
  remote.requestor_name = "stillframe-cli";
  return remote;
}

Status check_host(const Invocation& invocation) {
  const GlobalOptions& global = invocation.global;
  if (global.host.empty()) {
    if (!global.certificate.empty() || !global.key.empty() || !global.ca.empty())
      return Error(Errc::invalid_argument,
                   "--certificate, --key and --ca are for --host, which is missing");
    return Ok{};
  }
  if (global.embedded || !global.socket_dir.empty())
    return Error(Errc::invalid_argument,
                 "--host names another coordinator than --embedded or --socket; leave one out");
  const auto local =
      std::find_if(kLocalVerbs.begin(), kLocalVerbs.end(),
                   [&](const LocalVerb& one) { return one.verb == invocation.verb; });
  if (local == kLocalVerbs.end()) return Ok{};
  return Error(Errc::not_supported,
               "'" + invocation.verb + "' cannot go with --host: " + std::string(local->why));
}

}  // namespace stillframe::cli

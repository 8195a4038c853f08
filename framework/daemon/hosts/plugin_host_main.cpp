// stillframe-plugin-host: runs one plug-in or declarative writer. Started by Stillframe itself.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/declarative_writer.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/daemon/hosts/host_spec.hpp"
#include "framework/daemon/hosts/plugin_host.hpp"
#include "framework/plugin/plugin.hpp"
#include "framework/providers/host/serve_loop.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::daemon;

struct Arguments {
  HostSpec spec;
  BytePath socket_dir;
};

std::optional<Arguments> parse(int argc, char** argv) {
  std::map<std::string_view, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  const auto kind = kind_of(given["--kind"]);
  Arguments arguments{{given["--name"],
                       kind.value_or(HostKind::plugin_writer),
                       given["--file"],
                       {},
                       given["--config"]},
                      given["--socket-dir"]};
  // Five options, each once: what is missing above has made an empty one.
  const bool complete = argc == 11 && given.size() == 5 && kind && !arguments.spec.name.empty() &&
                        !arguments.spec.file.empty() && !arguments.spec.config_json.empty();
  if (!complete) return std::nullopt;
  return arguments;
}

int complain(const HostSpec& spec, const Error& error) {
  std::fprintf(stderr, "cannot load %s '%s': %s\n", std::string(kind_name(spec.kind)).c_str(),
               spec.name.c_str(), error.what().c_str());
  return kHostCannotLoad;
}

int run_provider(const HostSpec& spec, int replies) {
  auto plugin = Plugin::load(spec.file);
  if (!plugin.ok()) return complain(spec, plugin.error());
  auto provider = plugin.value()->make_provider(spec.config_json);
  if (!provider.ok()) return complain(spec, provider.error());
  return serve_provider(*provider.value(), STDIN_FILENO, replies);
}

Result<std::unique_ptr<Writer>> load_writer(const HostSpec& spec) {
  if (spec.kind == HostKind::declarative_writer) {
    // What belongs to the user of this process can do no more than he could anyway.
    DeclarativeWriterOptions options;
    struct stat about {};
    if (::stat(spec.file.c_str(), &about) == 0 && about.st_uid == ::geteuid()) {
      options.trusted_owner = about.st_uid;
    }
    return load_declarative_writer(spec.file, options);
  }
  auto plugin = Plugin::load(spec.file);
  if (!plugin.ok()) return plugin.error();
  return plugin.value()->make_writer(spec.config_json);
}

// Until the starter is gone, which closes our input, or asks by a signal.
void wait_for_the_end(int signals) {
  pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
  char ignored[256];
  while (true) {
    if (::poll(watched, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (watched[1].revents != 0) return;
    if (watched[0].revents == 0) continue;
    const ssize_t n = ::read(STDIN_FILENO, ignored, sizeof ignored);
    if (n == 0 || (n < 0 && errno != EINTR)) return;
  }
}

int run_writer(const Arguments& arguments, int signals) {
  auto writer = load_writer(arguments.spec);
  if (!writer.ok()) return complain(arguments.spec, writer.error());
  WriterHostOptions options;
  options.socket_dir = arguments.socket_dir;
  options.log = [](std::string_view line) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  };
  auto host = WriterHost::start(*writer.value(), std::move(options));
  if (!host.ok()) return complain(arguments.spec, host.error());
  wait_for_the_end(signals);
  host.value().reset();  // thaws
  return kHostEnded;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    const VerbHelp program = plugin_host_help().verbs.front();
    std::fprintf(stderr, "usage: %s\nIt %s.\n", program.usage.c_str(), program.summary.c_str());
    return kHostUsage;
  }
  // What a plug-in prints is a complaint, never an answer.
  const int replies = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (replies < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return kHostCannotLoad;
  if (arguments->spec.kind == HostKind::plugin_provider) {
    return run_provider(arguments->spec, replies);
  }
  // Before any thread of a plug-in's: every thread inherits the mask.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  const int signals = ::signalfd(-1, &ending, SFD_CLOEXEC);
  if (signals < 0) return kHostCannotLoad;
  return run_writer(*arguments, signals);
}

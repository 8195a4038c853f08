// stillframe: wires the command line to a daemon or, when asked, to a coordinator of its own.
#include <csignal>
#include <thread>

#include <unistd.h>

#include <stillframe/declarative_writer.hpp>
#include <stillframe/embedded.hpp>

#include "requestor/cli/remote_options.hpp"
#include "requestor/cli/run_cli.hpp"
#include "requestor/remote/remote_host.hpp"

namespace {

using namespace stillframe;

// A coordinator and those of its writers that live in this process.
struct Embedded {
  std::vector<std::unique_ptr<Writer>> writers;
  std::unique_ptr<EmbeddedCoordinator> coordinator;  // goes first
};

Status add_declarative_writers(Embedded& embedded, const std::vector<BytePath>& configs) {
  DeclarativeWriterOptions trusted;
  trusted.trusted_owner = geteuid();
  for (const BytePath& config : configs) {
    auto writer = load_declarative_writer(config, trusted);
    if (!writer.ok()) return writer.error();
    if (Status s = embedded.coordinator->add_writer(*writer.value()); !s.ok()) return s;
    embedded.writers.push_back(std::move(writer).value());
  }
  return Ok{};
}

Result<cli::Connection> connect_embedded(const cli::GlobalOptions& options) {
  EmbeddedOptions embedded;
  embedded.socket_dir = options.socket_dir;
  embedded.state_dir = options.state_dir;
  embedded.runtime_dir = options.runtime_dir;
  embedded.helper_dir = options.helper_dir;
  embedded.command_providers = options.command_providers;
  auto coordinator = EmbeddedCoordinator::start(std::move(embedded));
  if (!coordinator.ok())
    return coordinator.error().while_doing("starting the embedded coordinator");
  auto running = std::make_shared<Embedded>();
  running->coordinator = std::move(coordinator).value();
  if (Status s = add_declarative_writers(*running, options.writer_configs); !s.ok())
    return s.error().while_doing("starting a declarative writer");
  if (!options.expect.empty()) {
    Status waited = running->coordinator->wait_writers(options.expect, options.wait_writers);
    if (!waited.ok()) return waited.error().while_doing("waiting for the expected writers");
  } else if (!options.socket_dir.empty()) {
    // Nobody said how many will come, so all of the wait is given to them.
    (void)running->coordinator->wait_writers(std::size_t{1} << 20, options.wait_writers);
  }
  std::shared_ptr<RequestorChannel> channel = running->coordinator->connect("stillframe-cli");
  return cli::Connection{std::move(running), std::move(channel)};
}

Result<cli::Connection> connect_remote(const cli::GlobalOptions& options) {
  auto remote = cli::remote_options_of(options, cli::own_remote_environment());
  if (!remote.ok()) return remote.error();
  auto host = requestor::RemoteHost::connect(remote.value());
  if (!host.ok()) return host.error();
  auto channel = host.value()->channel();
  return cli::Connection{nullptr, std::move(channel), std::move(host).value()};
}

Result<cli::Connection> connect_any(const cli::GlobalOptions& options) {
  if (options.embedded) return connect_embedded(options);
  if (!options.host.empty()) return connect_remote(options);
  ConnectOptions daemon;
  if (!options.socket_dir.empty()) daemon.socket = options.socket_dir + "/requestor.sock";
  daemon.timeout = options.timeout;
  daemon.requestor_name = "stillframe-cli";
  auto channel = connect(daemon);
  if (!channel.ok()) return channel.error();
  return cli::Connection{nullptr, std::move(channel).value()};
}

}  // namespace

int main(int count, char** words) {
  // Signals are taken by one thread, so that no handler has to be careful.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  std::thread([signals, stop]() mutable {
    int number = 0;
    while (sigwait(&signals, &number) == 0) {
      if (stop.stop_requested()) _exit(130);  // asked twice
      stop.request_stop();
    }
  }).detach();
  const cli::Streams streams{stdout, stderr, isatty(STDERR_FILENO) == 1};
  const int code = cli::run_cli({words + 1, words + count}, connect_any, streams, stop.get_token());
  std::fflush(stdout);
  return code;
}

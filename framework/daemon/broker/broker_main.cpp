// stillframe-broker: see broker_options.cpp, or run it with --help.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/account.hpp"
#include "framework/base/json_lines_event_sink.hpp"
#include "framework/daemon/broker/broker.hpp"
#include "framework/daemon/broker/broker_options.hpp"
#include "framework/daemon/notify/activated_sockets.hpp"
#include "framework/daemon/notify/service_notifier.hpp"
#include "framework/transport/requestor_server.hpp"
#include "framework/wire/message.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::daemon;

constexpr std::size_t kConnectionsMax = 16;
constexpr std::size_t kSendQueueBytesMax = std::size_t{256} << 10;

void complain(const Error& error) {
  std::fprintf(stderr, "stillframe-broker: %s\n", error.what().c_str());
}

Result<BrokerConfig> read_config(const BrokerOptions& options) {
  auto config = load_broker_config(options.config, ::geteuid());
  if (!config.ok()) return config;
  if (options.socket) config.value().socket = *options.socket;
  if (options.daemon_user) config.value().daemon_user = *options.daemon_user;
  return config;
}

RequestorServerOptions server_options(const BrokerConfig& config, uid_t daemon,
                                      Descriptor inherited, EventSink& events) {
  RequestorServerOptions options;
  options.listen.socket_path = config.socket;
  options.listen.socket_owner = daemon;
  options.listen.directory_mode = 0755;
  if (inherited.valid()) {
    options.listen.inherited = std::make_shared<const Descriptor>(std::move(inherited));
  }
  options.listen.admit = [daemon, &events](const PeerCredentials& peer) {
    return admit_to_broker(peer, daemon, events);
  };
  options.connections_max = kConnectionsMax;
  options.send_queue_bytes_max = kSendQueueBytesMax;
  options.large_requests = false;
  return options;
}

// What is told to nobody who listens is written down at least.
void note(const Status& told) {
  if (!told.ok()) complain(told.error());
}

Status serve(BrokerConfig config, const sigset_t& stop) {
  auto notifier = ServiceNotifier::from(own_environment());
  if (!notifier.ok()) return notifier.error();
  auto activated = ActivatedSockets::from(own_environment());
  if (!activated.ok()) return activated.error();
  Descriptor inherited = activated.value().take("broker");
  if (const auto left = activated.value().left(); !left.empty()) {
    return Error(Errc::invalid_argument, "the service manager passes a socket named '" +
                                             escape_path(left[0]) +
                                             "'; the only name known here is broker "
                                             "(FileDescriptorName=)");
  }
  auto daemon = find_account(config.daemon_user);
  if (!daemon.ok()) return daemon.error().while_doing("daemon_user");
  if (Status s = prepare_directories(config, ::geteuid()); !s.ok()) return s;

  auto events = JsonLinesEventSink::start(Descriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)));
  if (!events.ok()) return events.error();
  auto broker = Broker::start(config, *events.value());
  if (!broker.ok()) return broker.error();
  auto server = RequestorServer::start(
      *broker.value(),
      server_options(config, daemon.value().ids.uid, std::move(inherited), *events.value()));
  if (!server.ok()) return server.error();
  broker.value()->tell_listening();
  note(notifier.value().ready());

  int signal = 0;
  while (::sigwait(&stop, &signal) != 0) continue;
  note(notifier.value().stopping());
  return Ok{};  // in reverse order: nobody is served, then every process is killed
}

int run(const BrokerOptions& options) {
  // Before the first thread, so that every one of them leaves these signals to sigwait().
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&stop, signal);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  ::umask(022);

  auto config = read_config(options);
  if (!config.ok()) {
    complain(config.error());
    return 1;
  }
  if (options.check_config) {
    std::puts("the configuration is good");
    return 0;
  }
  const Status served = serve(std::move(config).value(), stop);
  if (served.ok()) return 0;
  complain(served.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_broker_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) {
    complain(options.error());
    return 2;
  }
  if (options.value().help) {
    std::fputs(broker_help_text().c_str(), stdout);
    return 0;
  }
  if (options.value().version) {
    std::printf("stillframe-broker %s\n", wire::kSdkVersion);
    return 0;
  }
  return run(options.value());
}

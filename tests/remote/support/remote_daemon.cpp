#include "tests/remote/support/remote_daemon.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

constexpr const char* kServed = "other machines are served on 127.0.0.1:";

}  // namespace

RemoteDaemon::RemoteDaemon(std::string more)
    : authority_(daemon_.base(), "authority"),
      server_(authority_.issue("server", {"server"})),
      client_(authority_.issue("client", {"backup1"})),
      more_(std::move(more)) {
  configure();
}

void RemoteDaemon::configure() {
  daemon_.configure("[remote]\nlisten = '127.0.0.1:0'\ncertificate = '" + server_.certificate +
                    "'\nkey = '" + server_.key + "'\nclient_ca = '" + server_.ca + "'\n" + more_ +
                    "\n[[allow]]\ncertificates = [" + certificates_ + "]\nrights = [" + rights_ +
                    "]\n");
}

Status RemoteDaemon::start() {
  if (Status s = daemon_.start(); !s.ok()) return s;
  if (!daemon_.logged(kServed)) return Error(Errc::timed_out, "not served: " + daemon_.log());
  const std::string log = daemon_.log();
  const auto at = log.rfind(kServed);
  port_ = static_cast<std::uint16_t>(std::stoi(log.substr(at + std::string(kServed).size())));
  return Ok{};
}

void RemoteDaemon::allow(const std::string& certificates, const std::string& rights) {
  certificates_ = certificates;
  rights_ = rights;
  configure();
}

void RemoteDaemon::reload() {
  daemon_.signal(SIGHUP);
  (void)daemon_.heard("READY=1");
}

RemoteOptions RemoteDaemon::options() const {
  return options(client_);
}

RemoteOptions RemoteDaemon::options(const TlsFiles& tls) const {
  RemoteOptions options;
  options.address = {"127.0.0.1", port_};
  options.tls = tls;
  options.timeout = 20s;
  options.requestor_name = "test";
  return options;
}

std::size_t RemoteDaemon::descriptors() const {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon_.pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t RemoteDaemon::resident_kib() const {
  std::ifstream status("/proc/" + std::to_string(daemon_.pid()) + "/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

std::vector<pid_t> children_of(pid_t parent, const std::string& name) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream status(entry.path() / "status");
    std::string line, found;
    pid_t above = -1;
    while (std::getline(status, line)) {
      if (line.starts_with("Name:\t")) found = line.substr(6);
      if (line.starts_with("PPid:\t")) above = std::stoi(line.substr(6));
    }
    if (above == parent && found == name.substr(0, 15))
      children.push_back(std::stoi(entry.path().filename().string()));
  }
  return children;
}

}  // namespace stillframe::tests

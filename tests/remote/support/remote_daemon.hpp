// A stillframed that serves other machines, and the certificates to come to it with.
#pragma once

#include <string>

#include "framework/remote/remote_connect.hpp"
#include "tests/daemon/support/running_daemon.hpp"
#include "tests/remote/support/certificates.hpp"

namespace stillframe::tests {

class RemoteDaemon {
 public:
  // `more` is added to the configuration.
  explicit RemoteDaemon(std::string more = "");

  Status start();
  RunningDaemon& daemon() { return daemon_; }
  const Authority& authority() const { return authority_; }
  std::string folder() const { return daemon_.base(); }

  // What [[allow]] says, from the next start or reload on. "backup1" may do everything at first.
  void allow(const std::string& certificates, const std::string& rights);
  // SIGHUP, and waits until it was read.
  void reload();

  // Comes with the certificate of "backup1" unless told otherwise.
  RemoteOptions options() const;
  RemoteOptions options(const TlsFiles& tls) const;
  Result<RemoteCoordinator> connect() const { return connect_coordinator(options()); }
  std::uint16_t port() const { return port_; }

  // Of the daemon's process.
  std::size_t descriptors() const;
  std::size_t resident_kib() const;

 private:
  void configure();

  RunningDaemon daemon_;
  const Authority authority_;
  const TlsFiles server_, client_;
  const std::string more_;
  std::string certificates_ = "'backup1'";
  std::string rights_ = "'look', 'backup', 'delete', 'manage'";
  std::uint16_t port_ = 0;
};

// Children of a process by the kernel's short name.
std::vector<pid_t> children_of(pid_t parent, const std::string& name);

}  // namespace stillframe::tests

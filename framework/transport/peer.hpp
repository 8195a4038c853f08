// Who is at the other end of a connection, as the kernel says, or a certificate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>
#include <stillframe/writer_metadata.hpp>

namespace stillframe {

struct PeerCredentials {
  std::int64_t pid = 0;
  std::int64_t uid = -1;
  std::int64_t gid = -1;
  std::vector<std::int64_t> groups;  // the supplementary ones
  // Of a peer on another machine, which has no process or user here: the name in its certificate,
  // and where it connects from. Empty for local ones.
  std::string certificate{};
  std::string certificate_sha256{};
  std::string address{};
  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

// This process, for channels that stay inside it.
PeerCredentials own_credentials();

// The credentials of the process that connected the Unix socket `fd`.
Result<PeerCredentials> peer_credentials(int fd);

// A pidfd of the peer: readable once it has exited, and immune to a reused pid as long as it was
// opened while the connection was alive.
Result<Descriptor> open_pidfd(std::int64_t pid);

// Executable, systemd unit and user name of a process, each empty when it cannot be had.
WriterProcess describe_process(const PeerCredentials& credentials);

// The systemd unit in the text of a /proc/PID/cgroup, "" when there is none.
std::string unit_from_cgroup(std::string_view cgroup_text);

}  // namespace stillframe

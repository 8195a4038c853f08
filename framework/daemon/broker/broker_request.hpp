// What may be asked of the privileged broker, as values and as the JSON of its socket
// (docs/security.md, "The broker"). Everything here comes from a process that is not trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/daemon/access/readable_files.hpp"

namespace stillframe::daemon {

// As many descriptors as one message can carry.
inline constexpr std::size_t kOpenPathsMax = 253;
// Of a request's parameters. The transport refuses larger messages before anybody reads them.
inline constexpr std::size_t kBrokerRequestBytesMax = std::size_t{64} << 10;
// Of an answer: the largest lists all volumes of a machine.
inline constexpr std::size_t kBrokerReplyBytesMax = std::size_t{8} << 20;

// A process that the broker started. Numbers are never used twice by one broker.
enum class ProcessHandle : std::uint64_t {};

struct AskVersion {
  friend bool operator==(const AskVersion&, const AskVersion&) = default;
};
// A provider's host. `name` is a built-in provider or "command:FILE".
struct StartProvider {
  std::string name;
  friend bool operator==(const StartProvider&, const StartProvider&) = default;
};
// A plug-in host or a declarative writer that the broker's configuration names.
struct SpawnHost {
  std::string name;
  friend bool operator==(const SpawnHost&, const SpawnHost&) = default;
};
struct KillProcess {
  ProcessHandle handle{};
  friend bool operator==(const KillProcess&, const KillProcess&) = default;
};
struct AskProcess {
  ProcessHandle handle{};
  friend bool operator==(const AskProcess&, const AskProcess&) = default;
};
// What the held records list.
struct ThawRecorded {
  friend bool operator==(const ThawRecorded&, const ThawRecorded&) = default;
};
// The file system that holds `path`.
struct FlushFileSystem {
  BytePath path;  // absolute and plain
  friend bool operator==(const FlushFileSystem&, const FlushFileSystem&) = default;
};
// Files of an exposed snapshot, for reading.
struct OpenFiles {
  BytePath root;                // absolute and plain: where the snapshot is exposed
  std::vector<BytePath> paths;  // below it
  friend bool operator==(const OpenFiles&, const OpenFiles&) = default;
};

// Whether a user other than root can read files, everyday ones or those of a snapshot.
struct AskReadable {
  PeerCredentials user;           // its process id means nothing
  BytePath root;                  // "/", or that of a snapshot, which links do not lead out of
  std::vector<FilePlace> places;  // as many as open takes
  friend bool operator==(const AskReadable&, const AskReadable&) = default;
};

// Which volume a path is on, and its name there.
struct LocatePath {
  BytePath path;  // absolute and plain
  friend bool operator==(const LocatePath&, const LocatePath&) = default;
};
// All volumes that are mounted.
struct ListVolumes {
  friend bool operator==(const ListVolumes&, const ListVolumes&) = default;
};
// Whether one of two volumes lies on an image below the other.
struct CheckApart {
  BytePath one, other;  // their mount points
  friend bool operator==(const CheckApart&, const CheckApart&) = default;
};

using BrokerRequest =
    std::variant<AskVersion, StartProvider, SpawnHost, KillProcess, AskProcess, ThawRecorded,
                 FlushFileSystem, OpenFiles, AskReadable, LocatePath, ListVolumes, CheckApart>;

// Strict: not_supported for an unknown method; invalid_argument, which names the parameter, for one
// that is missing, of the wrong type or form, or means nothing here.
Result<BrokerRequest> parse_broker_request(std::string_view method, std::string_view params_json);

std::string_view method_of(const BrokerRequest& request) noexcept;
std::string params_of(const BrokerRequest& request);
// What it is about, for the audit trail; printable.
std::string object_of(const BrokerRequest& request);

}  // namespace stillframe::daemon

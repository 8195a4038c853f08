// The daemon's side of the privileged broker.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/base/child_process.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/daemon/access/readable_files.hpp"
#include "framework/daemon/broker/broker_config.hpp"

namespace stillframe::daemon {

struct BrokerClientOptions {
  BytePath socket = kBrokerSocket;
  // How long each call may take; then the connection is given up.
  std::chrono::milliseconds brief{10'000};
  std::chrono::milliseconds thaw{60'000};
  std::chrono::milliseconds flush{600'000};
};

// What became of one file system, or of a record as a whole.
struct BrokerThaw {
  BytePath record;
  BytePath mount_point;  // empty: the record as a whole
  std::string outcome;   // "thawed", "not frozen", "left alone", "failed"
  std::string message;
};

// Any thread; calls may overlap. Connects at the first call and again when the broker was started
// anew. What was started through it lives as long as the connection, so it dies with the broker and
// with the client.
//
// Errors of its own: disconnected when there is no broker or it ended during the call, which then
// may have been carried out or not; timed_out when it does not answer. Both name it and the remedy.
class BrokerClient {
 public:
  static std::unique_ptr<BrokerClient> create(BrokerClientOptions options = {});
  virtual ~BrokerClient() = default;

  // Checks that a broker answers, and says its version.
  virtual Result<std::string> version() = 0;
  // A provider's host, ready for HostedProviderOptions::starter; `name` as make_provider() takes
  // it.
  virtual Result<std::unique_ptr<ChildProcess>> start_provider(const std::string& name) = 0;
  // A plug-in host or a declarative writer that the broker's configuration names.
  virtual Result<std::unique_ptr<ChildProcess>> spawn(const std::string& name) = 0;
  virtual Result<std::vector<BrokerThaw>> thaw() = 0;
  virtual Status flush(const BytePath& path) = 0;
  // For reading, one for each path below `root`, where a snapshot is exposed. However many: the
  // client asks as often as it takes.
  virtual Result<std::vector<Descriptor>> open_files(const BytePath& root,
                                                     const std::vector<BytePath>& paths) = 0;
  // Volumes as a look with the broker's rights sees them; errors as those of VolumeDirectory.
  virtual Result<coordinator::Located> locate(const BytePath& path) = 0;
  virtual Result<std::vector<Volume>> volumes() = 0;
  virtual Status check_apart(const BytePath& one, const BytePath& other) = 0;
  // What `user` cannot read of `places` beneath `root`, which is "/" or that of a snapshot.
  virtual Result<std::optional<Unreadable>> find_unreadable(
      const PeerCredentials& user, const BytePath& root, const std::vector<FilePlace>& places) = 0;
};

}  // namespace stillframe::daemon

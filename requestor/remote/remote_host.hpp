// Another machine's coordinator and snapshots, as if they were here.
#pragma once

#include <memory>

#include "framework/remote/remote_connect.hpp"
#include "requestor/backup/backup_run.hpp"

namespace stillframe::requestor {

class RemoteHost : public SnapshotSource {
 public:
  static Result<std::shared_ptr<RemoteHost>> connect(const RemoteOptions& options);

  // For a Client. Writers' streams arrive in pipes of this machine, filled from the mover, and the
  // deadline of a hold is by this machine's clock. shared: sessions live as long as they like.
  virtual std::shared_ptr<RequestorChannel> channel() = 0;
};

}  // namespace stillframe::requestor

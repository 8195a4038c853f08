// A directory in another process, behind a channel; and the other end of one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/ese/ntds/directory_service.hpp"
#include "writers/ese/ntds/instance_service.hpp"

namespace stillframe::ese::ntds {

// Brings a request to the server, and its answer back. One at a time.
class ChannelConnection {
 public:
  virtual ~ChannelConnection() = default;
  virtual Result<std::vector<std::byte>> exchange(Bytes request) = 0;
};

std::unique_ptr<DirectoryService> directory_behind(std::shared_ptr<ChannelConnection> connection);

// What a connection has asked of an instance of this process. One call at a time. When it goes, a
// restore that is registered stays so, and a backup that has not ended is given up.
class ChannelSession {
 public:
  ChannelSession(std::shared_ptr<jet::JetInstance> instance, uid_t user)
      : instance_(std::move(instance)), user_(user) {}

  // The answer to whatever came.
  std::vector<std::byte> answer(Bytes request);
  // It has a restore or a backup that was prepared, and so somebody who may.
  bool prepared() const noexcept { return restore_ != nullptr || backup_ != nullptr; }

 private:
  const std::shared_ptr<jet::JetInstance> instance_;
  const uid_t user_;
  // One of the two at most.
  std::unique_ptr<StagedRestore> restore_;
  std::unique_ptr<StagedBackup> backup_;
};

}  // namespace stillframe::ese::ntds

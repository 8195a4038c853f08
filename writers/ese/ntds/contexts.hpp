// What the handles of the calls stand for.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <stillframe/ntds/ntdsbcli.h>

#include "writers/ese/ntds/channel_service.hpp"
#include "writers/ese/ntds/directory_service.hpp"

namespace stillframe::ese::ntds {

// One of the three. A second call of a handle waits for the first.
struct DsContext {
  std::unique_ptr<StagedBackup> backup{};
  std::unique_ptr<StagedRestore> restore{};
  std::unique_ptr<ChannelSession> session{};
  std::mutex mutex{};
};

// Handles are valid in the whole process, and are numbers that are never given out twice.
HBC add_context(std::unique_ptr<StagedBackup> backup, std::unique_ptr<StagedRestore> restore);
HBC add_context(std::unique_ptr<ChannelSession> session);
// Null for what is none.
std::shared_ptr<DsContext> find_context(HBC handle);
std::shared_ptr<DsContext> take_context(HBC handle);  // it is no handle any more

}  // namespace stillframe::ese::ntds

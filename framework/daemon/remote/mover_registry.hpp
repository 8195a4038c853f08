// Which mover a connection that names one belongs to.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "framework/daemon/remote/mover_process.hpp"
#include "framework/remote/arrival.hpp"

namespace stillframe::daemon {

// Any thread.
class MoverRegistry {
 public:
  // shared: a connection may be on its way to a mover that is being stopped.
  Result<MoverName> add(const std::shared_ptr<MoverProcess>& mover);
  void remove(const MoverName& name);
  // not_found for a mover that is not there any more.
  Status deliver(const MoverName& name, Descriptor socket);

 private:
  std::mutex mutex_;
  std::map<MoverName, std::weak_ptr<MoverProcess>> movers_;
};

// Random bytes that nobody can guess.
Status fill_random(std::span<std::uint8_t> bytes);

}  // namespace stillframe::daemon

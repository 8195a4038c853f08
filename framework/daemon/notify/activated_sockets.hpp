// Sockets that a service manager listened on before it started this process, as
// sd_listen_fds_with_names(3) describes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/daemon/notify/service_notifier.hpp"

namespace stillframe::daemon {

class ActivatedSockets {
 public:
  // Owns the descriptors from 3 on that LISTEN_FDS counts, if LISTEN_PID is this process; none
  // otherwise. Call it once, before anything else opens a descriptor. corrupt when what is counted
  // is not open, or does not fit its names (LISTEN_FDNAMES).
  static Result<ActivatedSockets> from(const Variables& variables);

  // The socket of that name (FileDescriptorName= of the unit); invalid when there is none.
  Descriptor take(std::string_view name);
  // Names of those that nobody took. A service says so instead of listening on half of them.
  std::vector<std::string> left() const;

 private:
  std::vector<std::pair<std::string, Descriptor>> sockets_;
};

}  // namespace stillframe::daemon

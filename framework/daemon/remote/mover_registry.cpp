#include "framework/daemon/remote/mover_registry.hpp"

#include <cerrno>

#include <sys/random.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::daemon {

Status fill_random(std::span<std::uint8_t> bytes) {
  // So few are never cut short.
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return posix_error(errno, "get", "random bytes");
  return Ok{};
}

Result<MoverName> MoverRegistry::add(const std::shared_ptr<MoverProcess>& mover) {
  MoverName name{};
  if (Status s = fill_random(name); !s.ok()) return s.error();
  const std::lock_guard lock(mutex_);
  movers_[name] = mover;
  return name;
}

void MoverRegistry::remove(const MoverName& name) {
  const std::lock_guard lock(mutex_);
  movers_.erase(name);
}

Status MoverRegistry::deliver(const MoverName& name, Descriptor socket) {
  std::shared_ptr<MoverProcess> mover;
  {
    const std::lock_guard lock(mutex_);
    const auto found = movers_.find(name);
    if (found != movers_.end()) mover = found->second.lock();
  }
  if (!mover) return Error(Errc::not_found, "a connection names a mover that is not there");
  return mover->give_connection(std::move(socket));
}

}  // namespace stillframe::daemon

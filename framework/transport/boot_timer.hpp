// Calls back at an instant of the boot clock, which also counts while the machine is suspended.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/time.hpp>

#include "framework/transport/io_thread.hpp"

namespace stillframe {

// Used on its IoThread only. At most one callback is pending; it runs on that thread.
class BootTimer {
 public:
  static Result<std::unique_ptr<BootTimer>> create(IoThread& io);
  virtual ~BootTimer() = default;  // cancels

  virtual void arm(BootTime at, std::function<void()> fire) = 0;  // takes the place of an older one
  virtual void cancel() = 0;
};

}  // namespace stillframe

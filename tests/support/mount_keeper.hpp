// Somebody else's mount namespace, as a container or `unshare --mount` makes one.
#pragma once

#include <string>

#include <sys/types.h>

namespace stillframe::tests {

// While it lives, a process keeps a copy of every mount there was when it was made, in a mount
// namespace of its own that hears nothing of later unmounts.
class MountKeeper {
 public:
  MountKeeper();
  MountKeeper(const MountKeeper&) = delete;
  MountKeeper& operator=(const MountKeeper&) = delete;
  ~MountKeeper();

  bool started() const noexcept { return child_ > 0; }  // needs root and unshare(1)
  std::string name() const { return "process " + std::to_string(child_); }

 private:
  pid_t child_ = -1;
  int hold_ = -1;  // it ends when this is closed
};

}  // namespace stillframe::tests

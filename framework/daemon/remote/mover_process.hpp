// The process that reads a session's snapshots for a requestor on another machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "framework/remote/mover_control.hpp"

namespace stillframe::daemon {

struct MoverRoot {
  BytePath mount_point;
  Descriptor directory;  // of the snapshot
};

struct MoverProcessOptions {
  BytePath program;
  Sha256Digest client{};  // of the requestor's certificate
  std::vector<MoverRoot> roots;
  std::chrono::milliseconds start_limit{10'000};
  // Both on the process's own thread: somebody was turned away; it ended without being stopped.
  std::function<void(const std::string&)> noted;
  std::function<void(const Error& why)> died;
};

// Any thread. The destructor stops it.
class MoverProcess {
 public:
  // Waits until it is ready.
  static Result<std::unique_ptr<MoverProcess>> start(MoverProcessOptions options);
  virtual ~MoverProcess() = default;

  virtual const Sha256Digest& certificate() const = 0;
  virtual Status admit(const MoverAdmit& admit) = 0;
  virtual Status give_connection(Descriptor socket) = 0;
  virtual Status give_stream(std::uint64_t key, Descriptor pipe) = 0;
  // Kills it and waits for its end: from here on it holds nothing of the snapshots open.
  virtual void stop() = 0;
};

}  // namespace stillframe::daemon

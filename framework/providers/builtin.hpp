// The providers that come with Stillframe. Each is made by a function, so that nothing but this
// header ties their users to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include <stillframe/provider.hpp>

namespace stillframe {

class EventSink;

// Named points of the work where a test may make the provider fail or kill it. Every durable step
// has one on each side.
class FaultPoints {
 public:
  virtual ~FaultPoints() = default;
  virtual Status reached(std::string_view point) = 0;
};

struct ProviderEnvironment {
  // Snapshots of file systems that cannot hold their own, and journals of reverts. Durable.
  BytePath state_directory = "/var/lib/stillframe";
  // Locks and mounts. Emptied by a reboot.
  BytePath runtime_directory = "/run/stillframe";
  EventSink* events = nullptr;    // not owned; null: events are dropped
  const Clock* clock = nullptr;   // not owned; null: the machine's
  FaultPoints* faults = nullptr;  // not owned; null outside tests
  std::string host;               // empty: the machine's name

  // What `copy` and `reflink` refuse to exceed when the request has no limit of its own.
  std::uint64_t copy_bytes_max = std::uint64_t{4} << 30;
  std::uint64_t files_max = 1'000'000;
  // Refused (limit_reached) when the estimate for the time inside the hold is longer.
  std::chrono::milliseconds commit_max{10'000};
  // Longest silence inside the hold, of a provider's process and of what keeps a volume frozen.
  std::chrono::milliseconds lease{5'000};
};

// Snapshots of btrfs subvolumes, each atomic.
std::unique_ptr<Provider> make_btrfs_provider(ProviderEnvironment environment);
// Clones of the wanted files, on file systems that share blocks between files (XFS, btrfs).
std::unique_ptr<Provider> make_reflink_provider(ProviderEnvironment environment);
// Plain copies of the wanted files while the writers hold still; any file system.
std::unique_ptr<Provider> make_copy_provider(ProviderEnvironment environment);
// Clones of the image files that file systems on loop devices live on, cut while the file system is
// frozen through the guard pair.
std::unique_ptr<Provider> make_image_provider(ProviderEnvironment environment);

}  // namespace stillframe

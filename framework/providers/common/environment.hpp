// ProviderEnvironment with its defaults filled in, and the small things every provider asks of it.
#pragma once

#include <string>
#include <string_view>

#include "framework/providers/builtin.hpp"

namespace stillframe {

// Event ids of the providers: 4000 to 4099; docs/providers.md lists them.
enum class ProviderEvent : int {
  leftover_removed = 4000,   // a set that a dead process had begun
  leftover_kept = 4001,      // one that could not be removed
  record_unreadable = 4002,  // a snapshot's record is damaged; the snapshot is left alone
  metadata_not_kept = 4003,  // the snapshot lacks attributes that the storage does not take
  revert_finished = 4004,
  revert_resumed = 4005,     // one that a crash had interrupted
  nested_cut_apart = 4006,   // nested subvolumes were cut one after the other
  image_not_mounted = 4007,  // the clone of an image cannot be mounted after a restart
  guard_warning = 4008,      // the freeze guard is less safe than it should be
};

class WorkEnvironment {
 public:
  WorkEnvironment(ProviderEnvironment environment, std::string source);

  const ProviderEnvironment& settings() const noexcept { return environment_; }
  const std::string& source() const noexcept { return source_; }
  const Clock& clock() const noexcept { return *environment_.clock; }

  // A named point that a test may turn into a failure or a kill.
  Status at(std::string_view point) const;
  void warn(ProviderEvent event, const std::string& message) const;
  void inform(ProviderEvent event, const std::string& message) const;

 private:
  void emit(ProviderEvent event, int level, const std::string& message) const;
  ProviderEnvironment environment_;
  std::string source_;  // "provider.btrfs"
};

}  // namespace stillframe

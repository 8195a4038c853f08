// EmbeddedCoordinator::start() with the seams that its tests need.
#pragma once

#include <stillframe/embedded.hpp>

#include "framework/coordinator/machine/limits.hpp"
#include "framework/coordinator/session/declared_files.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/lists/machine_lists.hpp"

namespace stillframe::coordinator {

struct EmbeddedSeams {
  VolumeSourceFactory look_at_volumes;   // empty: the machine's mounts
  machine::Limits limits;                // those that EmbeddedOptions does not name
  std::function<Duration()> time_slept;  // empty: the machine's
  bool builtin_providers = true;
  FileRules file_rules;
  BytePath exclude_from_snapshot = kExcludeFromSnapshotFolder;
  Duration shutdown_patience = std::chrono::seconds(60);  // for sessions to end in the destructor
};

Result<std::unique_ptr<EmbeddedCoordinator>> start_embedded(EmbeddedOptions options,
                                                            EmbeddedSeams seams);

}  // namespace stillframe::coordinator

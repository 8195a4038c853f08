// One btrfs subvolume, and the wanted ones nested in it, on the way to being a snapshot.
#pragma once

#include <memory>

#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/snapshot_record.hpp"
#include "framework/providers/common/volume_cut.hpp"

namespace stillframe {

// `environment` is not owned.
std::unique_ptr<VolumeCut> make_btrfs_cut(const WorkEnvironment& environment,
                                          const ProviderInfo& provider, const CutRequest& request,
                                          const BytePath& store);

// The name of the volume's own subvolume in a snapshot's directory.
inline constexpr const char* kTreeSubvolume = "tree";

// Seals or unseals every subvolume of a composed snapshot; `directory` is the record's.
Status seal_subvolumes(int directory, const SnapshotRecord& record, bool sealed);

// Puts `held`, an entry of `directory`, at `place` in the subvolume `tree`, in the stead of the
// empty directory that a snapshot has where a nested subvolume was. The times of the directory
// around it stay.
Status put_nested(int directory, const BytePath& held, const BytePath& tree, const BytePath& place);

}  // namespace stillframe

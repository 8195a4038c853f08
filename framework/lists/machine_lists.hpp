// The machine's exclude lists on disk, for the requestor that copies whole volumes and for the
// coordinator that cuts them. What a line says: framework/model/exclude_list.hpp.
#pragma once

#include <vector>

#include <sys/types.h>

#include "framework/model/exclude_list.hpp"

namespace stillframe {

// Files that no backup of whole volumes needs, and files that no snapshot has to keep.
inline constexpr const char* kExcludeFromBackupFolder = "/etc/stillframe/exclude-from-backup.d";
inline constexpr const char* kExcludeFromSnapshotFolder = "/etc/stillframe/exclude-from-snapshot.d";

// The homes of root and of the accounts of people, and where volumes are mounted now.
Result<MachinePlaces> look_up_machine_places();

// All lists of a folder together: its files that end in ".list", in the order of their names. No
// folder means no lists. A list that others than `owner` may change is access_denied; one with a
// mistake is invalid_argument with its line.
Result<std::vector<ExcludedFiles>> read_exclude_lists(const BytePath& folder, uid_t owner,
                                                      const MachinePlaces& places);

// The lists of one of the two folders, which belong to root, with the places as they are now.
Result<std::vector<ExcludedFiles>> read_machine_lists(const BytePath& folder);

}  // namespace stillframe

// Which components of a backup come back.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

namespace stillframe {

// Sets `restore->selected` and `restore->subcomponents` of the entries that `names` asks for, and
// of no other. A name is a full component name: an explicit component comes back whole, a member
// only if it is selectable for restore, through its nearest explicit ancestor. `stored` is the
// metadata saved with the backup, of the entries' writer. Errors say why a name cannot come back
// alone; entries are untouched then.
Status select_for_restore(const WriterMetadata& stored, std::vector<BackupComponent>& entries,
                          const std::vector<std::string>& names);

// What a selected entry brings back, as indices into the metadata: the component and all its
// members, or, when subcomponents are named, those and what lies beneath each.
Result<std::vector<std::size_t>> restored_members(const WriterMetadata& stored,
                                                  const BackupComponent& entry);

// Whether the writer promised what `entry` asks of it: new targets, rolling forward, another name,
// authoritative restore, or an instance other than the one that was backed up
// (`target_instance_name`; empty: the same). not_supported names the promise that is missing.
Status check_restore_request(const WriterMetadata& writer, const BackupComponent& entry,
                             const std::string& target_instance_name = {});

// Whether what `stored` wrote can be given to `live`, a writer of its class. not_supported for
// another major version. The answer is a note for people when the backup's minor version is the
// newer one, and empty otherwise.
Result<std::string> check_writer_version(const WriterIdentity& stored, const WriterIdentity& live);

// Which of the two restore verbs a writer wants to hear. `replace_failed`: a component of method
// restore_if_not_there or restore_if_can_replace could not be put in place.
bool wants_pre_restore(const RestorePolicy& policy) noexcept;
bool wants_post_restore(const RestorePolicy& policy, bool replace_failed) noexcept;

}  // namespace stillframe

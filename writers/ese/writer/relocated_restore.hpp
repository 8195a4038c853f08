// A restore of which the logs, at least, go to another place: databases become what they were at
// the backup, there or where the instance has them, and the instance's own logs stay what they are.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/writer.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/writer/instance_host.hpp"
#include "writers/ese/writer/streamed_copies.hpp"

namespace stillframe::ese {

struct RelocatedRestore {
  BytePath logs;                    // of the backup; not the folder of the instance's own
  std::vector<BytePath> databases;  // where each is put
  std::vector<BytePath> originals;  // where each was
  // Some are put where the instance has them, which cannot run meanwhile.
  bool replaces = false;

  std::vector<StreamedCopyPlace> copied() const;

  // Where the new targets of `restore` send what is chosen: all of the instance to other places, or
  // databases that are named, with the logs; those without a new target stay where they were. None
  // without new targets. not_supported when the logs would stay, since they fit no other state of
  // the instance than the backup's, for databases without logs, and when of an instance that is
  // chosen as a whole a database would stay. invalid_argument for a new place that is the
  // instance's own.
  static Result<std::optional<RelocatedRestore>> of(const RestoreView& restore,
                                                    const InstancePlaces& places);

  // Of a record beside the logs of the instance, which a restore that replaces databases has there;
  // none for any other.
  static std::optional<RelocatedRestore> of_record(const InterlockRecord& record,
                                                   const InstancePlaces& places);
  void describe_in(InterlockRecord& record) const;

  // The folder of the logs, which has to be without logs of that name (already_exists).
  Status make_room(Files& files, const InstancePlaces& places) const;
  // Takes away what belongs to the files that will be replaced, and the stamp of the newest backup.
  Status clear_replaced(Files& files, const InstancePlaces& places) const;
  // All is in place. The databases are as after an orderly end then, and need no logs; to those of
  // the instance they are strangers, so that no start of it replays over them. May be interrupted
  // and run again.
  Status recover(Files& files, const InstancePlaces& places) const;

 private:
  Status recover_by_logs(Files& files, const InstancePlaces& places) const;
};

// What a restore in the instance's own places has put there and nobody has recovered: databases
// that were streamed, or replaced beside logs that stayed. Nothing runs there. Ok when there is
// nothing to do, or files are still to come.
Status finish_restored(Files& files, const InstancePlaces& places);

}  // namespace stillframe::ese

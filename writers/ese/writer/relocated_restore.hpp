// A restore of an instance's logs and databases to other places: a copy of what they were, while
// the instance goes on.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/writer.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/writer/instance_host.hpp"
#include "writers/ese/writer/streamed_copies.hpp"

namespace stillframe::ese {

struct RelocatedRestore {
  BytePath logs;
  std::vector<BytePath> databases;
  std::vector<BytePath> originals;  // where each was

  std::vector<StreamedCopyPlace> copied() const;

  // Where the new targets of `restore` send what is chosen, all of the instance or some databases
  // with the logs; none without new targets. not_supported when something would stay where it was,
  // since the logs fit no other state of it, and for databases without logs. invalid_argument for a
  // place that is the instance's own.
  static Result<std::optional<RelocatedRestore>> of(const RestoreView& restore,
                                                    const InstancePlaces& places);

  // The folder of the logs, which has to be without logs of that name (already_exists).
  Status make_room(Files& files, const InstancePlaces& places) const;
  // The databases are as after an orderly end then, and need their logs no more. May be interrupted
  // and run again.
  Status recover(Files& files, const InstancePlaces& places) const;
};

}  // namespace stillframe::ese

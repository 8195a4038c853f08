// Databases that came from a backup by streaming: copies of pages from different moments, which no
// instance takes before they are recovered with the logs of that backup.
#pragma once

#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

struct StreamedCopyPlace {
  BytePath logged;  // where the database was when it was backed up
  BytePath file;    // where the copy is
};

// Recovers those of `databases` that are there and are such copies, with the logs in there.logs:
// those of their backup, and what goes on from them. Other databases of these logs are left alone.
// Nothing runs there, and all is copied. Stopped in the middle, it is begun again, or refused with
// the request to copy the databases anew.
Status recover_streamed_copies(Files& files, const InstancePlaces& there,
                               std::vector<StreamedCopyPlace> databases);
// In the places where they were backed up.
Status recover_streamed_copies(Files& files, const InstancePlaces& places);

}  // namespace stillframe::ese

// What an administrator says of a deduplicated volume that is to be backed up, and where a session
// of the writer shows what of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <stillframe/backup_document.hpp>
#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>
#include <stillframe/writer_metadata.hpp>

namespace stillframe::dedup {

// Optimized: the files below the view, with the store. Unoptimized: the files as their users see
// them, without a store.
enum class BackupModel { optimized, unoptimized };

struct BackedUpVolume {
  std::string name;     // tells it apart from others of this machine
  BytePath device;      // the block device, or a link to it such as those in /dev/disk/by-uuid
  BytePath run_folder;  // of the engines' sockets
  BackupModel model = BackupModel::optimized;
  BytePath key_file;  // of an encrypted one, in place of where its settings say that it is
  friend bool operator==(const BackedUpVolume&, const BackedUpVolume&) = default;
};

// {"name": "data", "device": "/dev/disk/by-uuid/...", "run": "/run/stillframe-dedup",
// "model": "unoptimized", "key_file": "/..."}: the last three may be left out. invalid_argument,
// with the member that is wrong.
Result<BackedUpVolume> parse_backed_up_volume(std::string_view config_json);

// The paths of a volume while a session of the writer has it mounted; they are the same for every
// volume of this name, on every machine.
struct VolumePlaces {
  BytePath mount;     // the file system itself
  BytePath own;       // the volume's own folder on it
  BytePath incoming;  // below `own`: where the users' files go when they come back
  BytePath files;     // unoptimized: where a session shows the files of its snapshot

  static VolumePlaces of(const BackedUpVolume& volume);
};

// The set of components: its head, and the members.
ComponentName volume_component();
ComponentName store_component();
ComponentName settings_component();
ComponentName files_component();
// Unoptimized: the one component.
ComponentName plain_files_component();

// Optimized: for a backup that builds on another. Of the store only files that are new or changed;
// everything else is copied again. What is there no more does not come back.
std::vector<DifferencedFiles> differenced_files_of(const BackedUpVolume& volume);

// Everything but `identity`, of its model.
WriterMetadata metadata_of(const BackedUpVolume& volume);

}  // namespace stillframe::dedup

// A deduplicated volume on a block device, as the one process has it that may.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "framework/io/file_lock.hpp"
#include "writers/dedup/engine/job_history.hpp"
#include "writers/dedup/engine/volume_settings.hpp"
#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

// The file system on a device, mounted where nobody but this process sees it. volume_not_supported
// for another than ext4, XFS and btrfs.
Result<Descriptor> mount_volume(const BytePath& device);
// The lock of whoever has store and table open; in_progress when that is another process, and names
// it. `own_folder`: the volume's, wherever that is mounted.
Result<FileLock> lock_volume(const BytePath& own_folder, const BytePath& device);

class VolumeOnDevice {
 public:
  // Makes a deduplicated volume of the file system on `device`, or of one that is enabled already
  // one with these settings (its store keeps its id and profile). Ordinary files stay as they are.
  // in_use: it is mounted, so that others would see marked files without their content.
  // Without `wanted` the settings stay what they were, or are the usual ones; `profile` is chosen
  // once: wrong_state for another one than the store has.
  static Status enable(const BytePath& device, std::optional<VolumeSettings> wanted,
                       std::optional<chunkstore::ChunkProfile> profile);
  // in_use as above; in_progress when another process has it, and names it; not_found when the
  // volume is not enabled; access_denied when it is encrypted with another key file than its
  // settings or `key_file` name.
  static Result<std::unique_ptr<VolumeOnDevice>> open(const BytePath& device,
                                                      const BytePath& key_file = {});
  // Encrypted with another key file from now on, of a volume that is not mounted.
  static Status change_key(const BytePath& device, const BytePath& key_file);

  const BytePath& device() const { return device_; }
  int root() const { return root_.get(); }
  Files& files() { return *files_; }
  VolumeParts parts() { return {*store_, *table_, settings_.store}; }
  const VolumeSettings& settings() const { return settings_; }
  BytePath own_folder() const;

  bool disabled() const;
  Status set_disabled(bool disabled);

  JobHistory history() const;           // any thread
  std::string history_trouble() const;  // why it could not be read; empty if it was
  // Durable on return. Any thread.
  Status record(JobKind kind, JobRecord record);

 private:
  VolumeOnDevice(BytePath device, Descriptor root, FileLock lock)
      : device_(std::move(device)), root_(std::move(root)), lock_(std::move(lock)) {}
  Status load(const BytePath& key_file);

  const BytePath device_;
  Descriptor root_;
  FileLock lock_;
  std::unique_ptr<Files> files_;
  VolumeSettings settings_;
  std::unique_ptr<chunkstore::Store> store_;
  std::unique_ptr<FileTable> table_;
  mutable std::mutex mutex_;
  JobHistory history_;
  std::string history_trouble_;
};

}  // namespace stillframe::dedup

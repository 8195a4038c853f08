// An application's instance and its databases, which a restore may close and open again.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/backup/streaming_backup.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/instance/path_lock.hpp"
#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

// Any thread.
class HostedInstance final : public InstanceHost {
 public:
  // `files` outlives it. The databases are there, or are created by the first open().
  HostedInstance(Files& files, InstanceOptions options, const std::vector<BytePath>& databases);

  // Recovers, and finishes a restore whose files are in place. interlocked when one is half done,
  // with the way out; not_found for a database that is lost; in_use while another process, or
  // another instance of this one, has the databases or their folders.
  Status open() override;
  // Shuts the databases down; their folders stay closed to others, for who puts files in their
  // place. InUse as Instance::stop(); then it is open still.
  Status close() override;
  // Closes the folders to others without opening the databases. in_use, as open().
  Status lock_folders();
  // Opens everything to others. An instance that close() could not shut down is left as in a crash.
  void let_go();
  // None while it is closed. Who keeps it longer than a call keeps close() from succeeding.
  std::shared_ptr<Instance> get() const;
  // Why the last open() failed, if it is closed for that.
  Status running() const override;

  const InstancePlaces& places() const override { return places_; }
  Files& files() override { return files_; }
  const std::vector<BytePath>& databases() const noexcept { return places_.databases; }

  Status flush() override;
  Status recover_copy(const InstancePlaces& there) override;
  Result<std::shared_ptr<HostSnapshot>> begin_snapshot(SnapshotKind kind) override;
  Result<std::unique_ptr<HostStream>> begin_stream(StreamKind kind) override;

  const InstanceOptions& options() const noexcept { return options_; }
  // For a host that is told by the logs what they are. Of a closed instance, in the only thread
  // that uses it; the folders stay.
  void set_options(InstanceOptions options);
  // How long a stream waits before it reads a damaged page again; before the first one begins.
  void set_retry_pause(std::chrono::milliseconds pause) { streaming_.retry_pause = pause; }
  const BytePath& system() const noexcept { return places_.system; }

 private:
  // All of these with admin_mutex_ held.
  Status start();
  Status attach(Instance& instance);
  Status lock();
  Status take_lock(const BytePath& path, std::vector<PathLock>& locks) const;

  mutable FreezableFiles files_;
  InstanceOptions options_;
  InstancePlaces places_;
  StreamingBackupOptions streaming_;

  std::mutex admin_mutex_;  // opens and closes, one thing at a time
  std::vector<PathLock> folder_locks_, database_locks_;

  mutable std::mutex mutex_;
  Status why_closed_ = Ok{};
  std::shared_ptr<Instance> instance_;  // shared with calls that are under way at close()
};

}  // namespace stillframe::ese

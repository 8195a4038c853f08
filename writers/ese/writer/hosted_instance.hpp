// An application's instance and its databases, which a restore may close and open again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

// Any thread.
class HostedInstance final : public InstanceHost {
 public:
  // `files` outlives it. The databases are there, or are created by the first open().
  HostedInstance(Files& files, InstanceOptions options, const std::vector<BytePath>& databases);

  // Recovers, and finishes a restore whose files are in place. interlocked when one is half done,
  // with the way out; not_found for a database that is lost.
  Status open() override;
  // Shuts the databases down. InUse as Instance::stop(); then it is open still.
  Status close() override;
  // None while it is closed. Who keeps it longer than a call keeps close() from succeeding.
  std::shared_ptr<Instance> get() const;
  // Why the last open() failed, if it is closed for that.
  Status running() const override;

  const InstancePlaces& places() const override { return places_; }
  Files& files() override { return files_; }
  const std::vector<BytePath>& databases() const noexcept { return places_.databases; }

  Status flush() override;
  Result<std::shared_ptr<HostSnapshot>> begin_snapshot(SnapshotKind kind) override;

 private:
  Status start();
  Status attach(Instance& instance) const;

  mutable FreezableFiles files_;
  const InstanceOptions options_;
  const InstancePlaces places_;
  mutable std::mutex mutex_;
  Status why_closed_ = Ok{};
  std::shared_ptr<Instance> instance_;  // shared with calls that are under way at close()
};

}  // namespace stillframe::ese

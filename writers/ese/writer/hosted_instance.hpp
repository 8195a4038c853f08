// An application's instance and its databases, which a restore may close and open again.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/freezable_files.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese {

// Any thread.
class HostedInstance {
 public:
  // `files` outlives it. The databases are there, or are created by the first open().
  HostedInstance(Files& files, InstanceOptions options, std::vector<BytePath> databases)
      : files_(files), options_(std::move(options)), databases_(std::move(databases)) {}

  // Recovers, and finishes a restore whose files are in place. interlocked when one is half done,
  // with the way out; not_found for a database that is lost.
  Status open();
  // Shuts the databases down. InUse as Instance::stop(); then it is open still.
  Status close();
  // None while it is closed. Who keeps it longer than a call keeps close() from succeeding.
  std::shared_ptr<Instance> get() const;

  // Why the last open() failed; Ok if it did not.
  Status why_closed() const;

  FreezableFiles& files() noexcept { return files_; }
  const InstanceOptions& options() const noexcept { return options_; }
  const BytePath& system() const {
    return options_.system.empty() ? options_.logs : options_.system;
  }
  const std::vector<BytePath>& databases() const noexcept { return databases_; }

 private:
  Status start();
  Status attach(Instance& instance) const;

  mutable FreezableFiles files_;
  const InstanceOptions options_;
  const std::vector<BytePath> databases_;
  mutable std::mutex mutex_;
  Status why_closed_ = Ok{};
  std::shared_ptr<Instance> instance_;  // shared with calls that are under way at close()
};

}  // namespace stillframe::ese

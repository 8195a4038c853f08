// The providers this coordinator may choose from, and the threads their calls run on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/provider.hpp>

#include "framework/coordinator/runtime/worker.hpp"

namespace stillframe::coordinator {

// One provider object and the one thread that calls it. What is posted runs in order.
class ProviderRunner {
 public:
  ProviderRunner(std::shared_ptr<Provider> provider, std::shared_ptr<Worker> worker,
                 ProviderInfo info)
      : provider_(std::move(provider)), worker_(std::move(worker)), info_(std::move(info)) {}

  const ProviderInfo& info() const noexcept { return info_; }
  // The provider object lives until `work` has run, whoever drops the runner meanwhile.
  void post(std::function<void(Provider&)> work) const;
  void stop() const { worker_->stop(); }  // as Worker::stop()

 private:
  std::shared_ptr<Provider> provider_;  // shared with work that is queued
  std::shared_ptr<Worker> worker_;      // shared by runners of an object that exists only once
  ProviderInfo info_;
};

// Makes one more object of a provider; each session gets its own, so that the slow preparation of
// one set never delays the cut of another.
using ProviderFactory = std::function<Result<std::shared_ptr<Provider>>()>;

// Thread-safe.
class ProviderPool {
 public:
  ProviderPool() = default;
  ~ProviderPool();  // stop(), then waits for those that were retired after it

  ProviderPool(const ProviderPool&) = delete;
  ProviderPool& operator=(const ProviderPool&) = delete;

  Status add(ProviderFactory factory);
  // An object that exists once: all sessions share it and its thread.
  Status add_single(std::shared_ptr<Provider> provider);

  // One that should be here and could not be started: named, with the reason, wherever it is
  // missed, and kept for add_again().
  void note_unavailable(const std::string& name, const Error& why, ProviderFactory factory = {});
  // Starts one that could not be started before. True when it has joined, false when it is not
  // among those; the error is the new reason why it is missed. Blocks as long as its start.
  Result<bool> add_again(const std::string& name);
  // "; btrfs is not available: ..." for each; empty when all are there.
  std::string unavailable() const;

  std::vector<ProviderInfo> infos() const;  // highest preference first
  // not_found names the providers there are. `name_or_id` as in SnapshotOptions::provider.
  Result<ProviderInfo> find(const std::string& name_or_id) const;

  // A runner of the session's own where the provider can be made again, else the shared one.
  Result<std::shared_ptr<ProviderRunner>> open(const ProviderId& id) const;
  // Takes back what open() gave. It is let go of as soon as the calls it was given are done, on a
  // thread of the pool's own: the caller never waits, and neither does one that is done for one
  // that is still at work.
  void retire(std::shared_ptr<ProviderRunner> runner);
  // Waits for every call that is under way or queued; later ones are never made.
  void stop();
  // The long-lived object of a provider, for questions and for finished snapshots.
  Result<std::shared_ptr<ProviderRunner>> resident(const ProviderId& id) const;

 private:
  struct Entry {
    std::shared_ptr<ProviderRunner> resident;
    ProviderFactory factory;  // empty: exists once
  };

  Status insert(Entry entry);
  void let_go_of(const ProviderRunner* runner);  // on the reaper's thread

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  struct Missing {
    Error why;
    ProviderFactory factory;
  };
  std::map<std::string, Missing> unavailable_;
  std::unique_ptr<Worker> reaper_;  // there as soon as a provider is; outlives all of retired_
  std::vector<std::shared_ptr<ProviderRunner>> retired_;  // one entry for each retire()
};

}  // namespace stillframe::coordinator

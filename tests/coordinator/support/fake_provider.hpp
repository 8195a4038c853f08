// A provider whose snapshots are directories with a note beside each, so that they outlive the
// process as real ones do. It fails, waits or dies at the step a test names.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe::tests {

// Called on entry to every step with its name ("begin_prepare" .. "abort"); what it returns is what
// the step answers when it is an error.
using ProviderHook = std::function<Status(const std::string& step)>;

struct FakeProviderOptions {
  std::string directory;  // where the snapshots are kept
  std::string name = "fake";
  Atomicity atomicity = Atomicity::volume;
  int preference = 10;
  bool freezes_file_system = false;
  // Refuses volumes for which this says why; empty: takes every volume.
  std::function<std::string(const Volume&)> refuses;
};

class FakeProvider final : public Provider {
 public:
  explicit FakeProvider(FakeProviderOptions options, ProviderHook hook = {});

  ProviderInfo info() const override;
  Status supports(const Volume& volume, const SnapshotAttributes& attributes) override;
  Status begin_prepare(const CutRequest& request) override;
  Result<CutEstimate> end_prepare(const SetId& set) override;
  Status pre_commit(const SetId& set) override;
  Result<std::vector<CutRecord>> commit(const SetId& set) override;
  Status post_commit(const SetId& set) override;
  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) override;
  Status post_final(const SetId& set) override;
  void abort(const SetId& set) override;
  Result<std::vector<SnapshotInfo>> query() override;
  Status remove(const SnapshotId& snapshot) override;
  Status expose(const SnapshotId& snapshot, const BytePath& place) override;
  Status unexpose(const SnapshotId& snapshot) override;
  Status make_writable(const SnapshotId& snapshot) override;
  Status revert(const SnapshotId& snapshot, const RevertOptions& options) override;

  void set_hook(ProviderHook hook);
  std::vector<std::string> steps() const;    // as they were entered
  std::vector<CutRequest> requests() const;  // every begin_prepare
  std::size_t snapshots_on_disk() const;
  static ProviderId id_of(const std::string& name);  // the same in every process

 private:
  Status enter(const std::string& step);
  std::string place_of(const SnapshotId& snapshot) const;
  void note(const SnapshotInfo& info) const;
  void erase(const SnapshotId& snapshot) const;
  std::vector<SnapshotInfo> noted() const;

  const FakeProviderOptions options_;
  mutable std::mutex mutex_;
  ProviderHook hook_;
  std::vector<std::string> steps_;
  std::vector<CutRequest> requests_;
  std::map<SetId, std::vector<SnapshotInfo>> sets_;
};

}  // namespace stillframe::tests

// A provider that keeps its snapshots in directories with records: everything but how one volume
// is cut, sealed and reverted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/providers/common/cut_sets.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {

class StoredProvider : public Provider {
 public:
  Status supports(const Volume& volume, const SnapshotAttributes& attributes) final;
  Status begin_prepare(const CutRequest& request) final;
  Result<CutEstimate> end_prepare(const SetId& set) final { return sets_.end_prepare(set); }
  Status pre_commit(const SetId& set) final { return sets_.pre_commit(set); }
  Result<std::vector<CutRecord>> commit(const SetId& set) final { return sets_.commit(set); }
  Status post_commit(const SetId& set) final { return sets_.post_commit(set); }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) final {
    return sets_.pre_final(set);
  }
  Status post_final(const SetId& set) final { return sets_.post_final(set); }
  void abort(const SetId& set) final;

  Result<std::vector<SnapshotInfo>> query() final;
  Status remove(const SnapshotId& snapshot) final;
  Status expose(const SnapshotId& snapshot, const BytePath& place) final;
  Status unexpose(const SnapshotId& snapshot) final;
  Status make_writable(const SnapshotId& snapshot) final;
  Status revert(const SnapshotId& snapshot, const RevertOptions& options) final;

 protected:
  StoredProvider(ProviderEnvironment environment, const std::string& name);

  const WorkEnvironment& environment() const noexcept { return environment_; }
  const std::string& name() const noexcept { return name_; }

 private:
  virtual Status supports_volume(const Volume& volume) = 0;
  virtual Result<std::unique_ptr<VolumeCut>> make_cut(const CutRequest& request) = 0;
  // Every directory that may hold this provider's snapshots now.
  virtual Result<std::vector<BytePath>> stores() = 0;
  virtual Status unseal(StoredSnapshot& snapshot) = 0;
  virtual Status revert_to(StoredSnapshot& snapshot, const RevertOptions& options) = 0;
  // Lets go of a snapshot whose directory is about to be removed.
  virtual Status release(const StoredSnapshot&) { return Ok{}; }
  // Whether a revert unmounts the file system that the snapshots lie on. Such a revert has a lock
  // of its own.
  virtual bool unmounts_its_store(const StoredSnapshot&) const { return false; }
  // Finishes what a crash interrupted and only a new object can know of.
  virtual void recover() {}

  struct Locked {
    StoredSnapshot found;
    std::optional<FileLock> lock;
  };

  Result<StoredSnapshot> find(const SnapshotId& snapshot);
  Result<std::vector<StoredSnapshot>> find_all();
  Result<Locked> lock(std::string_view call, const SnapshotId& snapshot);
  StoreFindings look_and_clean(const BytePath& store);
  Status remove_abandoned(const StoredSnapshot& left);
  Status remove_found(StoredSnapshot& found);
  void clean(const StoreFindings& findings);

  const std::string name_;
  WorkEnvironment environment_;
  CutSets sets_;
};

// Where snapshots of the volume are kept on its own file system: at the root of the mount it is
// seen through, which for a subvolume that is not mounted itself is one of the subvolumes around
// it.
Result<BytePath> store_for(const Volume& volume);

// STORE directories at the root of every volume that is mounted now and not made by the kernel or
// another machine.
Result<std::vector<BytePath>> stores_on_volumes();

}  // namespace stillframe

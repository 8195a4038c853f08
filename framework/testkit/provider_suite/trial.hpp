// What the checks of the provider suite are written with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stillframe/testkit/provider_suite.hpp>

#include "framework/testkit/provider_suite/describe_tree.hpp"

namespace stillframe::testkit {

// How far a set is driven.
enum class Upto { begin, end_prepare, pre_commit, commit, post_commit, pre_final, post_final };

// One check's run: a directory "suite" on each volume, a provider, and one set at a time.
class Trial {
 public:
  static Result<std::unique_ptr<Trial>> start(ProviderUnderTest& under_test);
  // Removes the snapshots of the run and the directories on the volumes.
  ~Trial();

  Provider& provider() { return *provider_; }
  ProviderUnderTest& under_test() { return under_test_; }
  const Volume& volume(std::size_t index = 0) const { return volumes_[index]; }
  std::size_t volume_count() const { return volumes_.size(); }
  // The directory on the live volume that the requests name, and what stands for it in a snapshot.
  BytePath data(std::size_t index = 0) const;
  BytePath data_in(const SnapshotInfo& snapshot) const;

  CutRequest request(const SetId& set, std::size_t index = 0) const;
  // One set over the first `volumes` volumes, up to and including a step.
  Status drive(const SetId& set, Upto upto, std::size_t volumes = 1);
  Status step(const SetId& set, Upto step);
  // The whole order over one volume.
  Result<SnapshotInfo> snapshot();
  const std::vector<SnapshotInfo>& made() const { return made_; }

  // A restart: the object goes, another one comes.
  void restart();
  Result<SnapshotInfo> find(const SnapshotId& snapshot);
  Result<std::size_t> count_of(const SetId& set);

 private:
  Trial(ProviderUnderTest& under_test, std::vector<Volume> volumes);
  ProviderUnderTest& under_test_;
  std::vector<Volume> volumes_;
  std::unique_ptr<Provider> provider_;
  std::vector<SetId> sets_;
  std::vector<SnapshotInfo> made_;
};

// For "what was wrong" of a check.
Error wrong(const std::string& what);
Status expect(bool condition, const std::string& otherwise);
template <class T>
Status expect_code(const Result<T>& result, Errc code, const std::string& call) {
  if (!result.ok() && result.error().code() == code) return Ok{};
  return wrong(call + " should fail with " + std::string(to_string(code)) + ", but " +
               (result.ok() ? "it succeeds" : "says: " + result.error().what()));
}
Status expect_same_tree(const TreeDescription& expected, const BytePath& actual,
                        const DescribeOptions& options = {});

// The checks, by subject.
std::vector<ProviderCheck> order_checks();
std::vector<ProviderCheck> content_checks();
std::vector<ProviderCheck> keeping_checks();
std::vector<ProviderCheck> revert_checks();

}  // namespace stillframe::testkit

// The order of a provider's calls, kept for every provider in one place: which call is permitted
// when, all volumes or none, and what abort owes.
#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/providers/common/environment.hpp"
#include "framework/providers/common/volume_cut.hpp"

namespace stillframe {

enum class SetStep { preparing, prepared, pre_committed, committed, post_committed, pre_final };

class CutSets {
 public:
  // `environment` is not owned.
  explicit CutSets(const WorkEnvironment& environment) : environment_(environment) {}
  CutSets(const CutSets&) = delete;
  CutSets& operator=(const CutSets&) = delete;
  // Stops work that still runs; what it did so far stays, for the next object to find.
  ~CutSets();

  // Takes the cut and starts prepare() on it.
  Status begin(const CutRequest& request, std::unique_ptr<VolumeCut> cut);
  Result<CutEstimate> end_prepare(const SetId& set);
  Status pre_commit(const SetId& set);
  Result<std::vector<CutRecord>> commit(const SetId& set);
  Status post_commit(const SetId& set);
  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set);
  Status post_final(const SetId& set);
  // Forgets the set and takes back what its cuts did. False when it knows no such set.
  bool abort(const SetId& set);

 private:
  struct Member {
    CutRequest request;
    std::unique_ptr<VolumeCut> cut;
    std::future<Status> prepared;
  };
  struct CutSet {
    SetStep step = SetStep::preparing;
    bool failed = false;  // nothing but abort is permitted
    std::atomic<bool> cancelled{false};
    std::vector<Member> members;
  };

  Result<CutSet*> at_step(const SetId& set, SetStep wanted, std::string_view call);
  Status refuse(const CutSet& found, const CutRequest& request) const;
  static void wait_for(CutSet& set);
  template <class Work>
  Status each(CutSet& set, std::string_view call, SetStep next, Work work);

  const WorkEnvironment& environment_;
  std::map<SetId, std::unique_ptr<CutSet>> sets_;
};

}  // namespace stillframe

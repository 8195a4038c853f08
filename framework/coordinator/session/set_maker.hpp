// One snapshot set from survey to removal: asks the providers, on their threads, for what the
// machine wants done, and keeps what they said.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "framework/coordinator/machine/action.hpp"
#include "framework/coordinator/session/services.hpp"
#include "framework/coordinator/session/snapshot_pruning.hpp"
#include "framework/coordinator/volumes/set_plan.hpp"

namespace stillframe::coordinator {

struct PlanOptions {
  SnapshotAttributes attributes;
  std::string provider;  // by name or id; empty: the best per volume
  bool auto_release = true;
  std::vector<ConsistencyPolicy> policies;  // of the components
  // Whether a writer has something to do in the snapshots; if nobody has, they are never writable.
  bool writers_write = false;
  std::vector<WriterMetadata> writers;  // all that are there: what they claim no list takes out
};

// What one provider answered to one step.
struct StepAnswer {
  Status status = Ok{};
  std::vector<machine::CutTimes> cuts;  // commit
  std::optional<FilesTakenOut> pruned;  // pre_final, where the machine's lists name anything
};

// Used on the session's strand; handlers are called there, and only while `owner` lives.
class SetMaker {
 public:
  using PlanHandler = std::function<void(const Status&)>;
  using StepHandler = std::function<void(StepAnswer)>;

  SetMaker(const Services& services, Strand strand, std::weak_ptr<void> owner);
  ~SetMaker();  // gives the providers back

  // Surveys the volumes on a thread of its own and asks every provider about them. On ok plan() is
  // set and a provider object of the set's own stands ready for each group.
  void plan(SurveyRequest request, PlanOptions options, PlanHandler done);

  // For provider groups of the plan.
  void step(machine::GroupIndex group, machine::ProviderStep step, StepHandler done);
  // syncfs of every volume, each on a thread of its own; a hung one is left behind.
  void flush(std::function<void(const Status&)> done);

  const std::optional<SetPlan>& plan() const noexcept { return plan_; }
  // As the providers last described them; before pre_final what is known from the plan.
  std::vector<SnapshotInfo> snapshots() const;
  const std::map<SnapshotId, CutRecord>& cuts() const noexcept { return cuts_; }

 private:
  struct Planning;

  void settle_attributes(Planning& planning);
  void ask_providers(const std::shared_ptr<Planning>& planning);
  void finish_plan(const std::shared_ptr<Planning>& planning);
  Status open_groups(SetPlan plan);
  void give_back_runners();
  std::vector<CutRequest> cut_requests(machine::GroupIndex group) const;
  void note_snapshots(std::vector<SnapshotInfo> infos);
  template <class Work>
  void on_strand(Work work) const;

  const Services& services_;
  const Strand strand_;
  const std::weak_ptr<void> owner_;
  std::optional<SetPlan> plan_;
  std::vector<std::shared_ptr<ProviderRunner>> runners_;  // by group
  std::shared_ptr<const SnapshotPruning> pruning_;        // shared with the step under way; or null
  std::map<SnapshotId, SnapshotInfo> infos_;
  std::map<SnapshotId, CutRecord> cuts_;
};

}  // namespace stillframe::coordinator

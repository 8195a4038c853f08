#include "framework/coordinator/session/set_maker.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "framework/coordinator/provider_pool/remove_for_good.hpp"
#include "framework/lists/machine_lists.hpp"

namespace stillframe::coordinator {
namespace {

// Flushes and surveys may meet a file system that never answers: such a thread is left behind, so
// it owns everything it touches.
Status run_apart(std::function<void()> work) {
  try {
    std::thread(std::move(work)).detach();
    return Ok{};
  } catch (const std::exception& e) {
    return Error(Errc::out_of_resources, std::string("starting a thread: ") + e.what());
  }
}

// A provider that does not know the set it prepared has lost it, most likely with its process: that
// is no mistake of the requestor's, and the next set may do better.
Status known_set(const Status& answer) {
  if (answer.ok() || answer.error().code() != Errc::not_found) return answer;
  return Error(Errc::provider_failed,
               "the provider lost what it had prepared: " + answer.error().what());
}

}  // namespace

struct SetMaker::Planning {
  SurveyRequest request;
  PlanOptions options;
  PlanHandler done;
  Survey survey;
  std::vector<ExcludedFiles> lists;
  std::vector<ProviderOpinion> opinions;
  std::size_t missing = 0;  // opinions still to come
};

SetMaker::SetMaker(const Services& services, Strand strand, std::weak_ptr<void> owner)
    : services_(services), strand_(std::move(strand)), owner_(std::move(owner)) {}

SetMaker::~SetMaker() {
  give_back_runners();
}

// Never just dropped: letting go of a provider may wait for its process.
void SetMaker::give_back_runners() {
  for (auto& runner : std::exchange(runners_, {})) services_.providers->retire(std::move(runner));
}

template <class Work>
void SetMaker::on_strand(Work work) const {
  strand_.post([owner = owner_, work = std::move(work)]() mutable {
    if (const auto alive = owner.lock()) work();
  });
}

void SetMaker::plan(SurveyRequest request, PlanOptions options, PlanHandler done) {
  auto planning = std::make_shared<Planning>();
  planning->request = std::move(request);
  planning->options = std::move(options);
  planning->done = std::move(done);
  const Status started = run_apart([this, strand = strand_, owner = owner_, planning,
                                    look = services_.look_at_volumes,
                                    folder = services_.exclude_from_snapshot] {
    auto source = look();
    auto survey = source.ok() ? survey_volumes(*source.value(), planning->request)
                              : Result<Survey>(source.error());
    auto shared = std::make_shared<Result<Survey>>(std::move(survey));
    auto lists = std::make_shared<Result<std::vector<ExcludedFiles>>>(read_machine_lists(folder));
    strand.post([this, owner, planning, shared, lists] {
      const auto alive = owner.lock();
      if (!alive) return;
      if (!shared->ok()) return planning->done(shared->error());
      if (!lists->ok()) return planning->done(lists->error());
      planning->survey = std::move(*shared).value();
      planning->lists = std::move(*lists).value();
      settle_attributes(*planning);
      ask_providers(planning);
    });
  });
  if (!started.ok()) planning->done(started.error());
}

// A snapshot that nobody writes into is sealed from its first moment.
void SetMaker::settle_attributes(Planning& planning) {
  SnapshotAttributes& attributes = planning.options.attributes;
  attributes.auto_recovery =
      attributes.auto_recovery && (planning.options.writers_write || !planning.lists.empty());
  pruning_.reset();
  if (!attributes.auto_recovery || planning.lists.empty()) return;
  pruning_ = std::make_shared<const SnapshotPruning>(
      SnapshotPruning{std::move(planning.lists), std::move(planning.options.writers)});
}

void SetMaker::ask_providers(const std::shared_ptr<Planning>& planning) {
  std::vector<ProviderInfo> candidates = services_.providers->infos();
  if (!planning->options.provider.empty()) {
    auto named = services_.providers->find(planning->options.provider);
    if (!named.ok()) return planning->done(named.error());
    candidates = {named.value()};
  }
  if (planning->survey.volumes.empty() || candidates.empty()) return finish_plan(planning);
  planning->opinions.resize(candidates.size());
  planning->missing = candidates.size();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    planning->opinions[i].provider = candidates[i];
    auto runner = services_.providers->resident(candidates[i].id);
    if (!runner.ok()) return planning->done(runner.error());
    runner.value()->post([this, strand = strand_, owner = owner_, planning, i](Provider& provider) {
      // Reads the survey only, which nobody changes until all opinions are in.
      std::vector<Status> supports;
      for (const auto& volume : planning->survey.volumes)
        supports.push_back(provider.supports(volume.volume, planning->options.attributes));
      strand.post([this, owner, planning, i, supports = std::move(supports)]() mutable {
        const auto alive = owner.lock();
        if (!alive) return;
        planning->opinions[i].supports = std::move(supports);
        if (--planning->missing == 0) finish_plan(planning);
      });
    });
  }
}

void SetMaker::finish_plan(const std::shared_ptr<Planning>& planning) {
  auto plan = plan_set(planning->survey, planning->opinions, planning->options.policies,
                       planning->options.attributes, planning->options.auto_release);
  if (!plan.ok()) {
    const bool missing = plan.error().code() == Errc::volume_not_supported;
    return planning->done(
        Error(plan.error().code(),
              plan.error().what() + (missing ? services_.providers->unavailable() : "")));
  }
  planning->done(open_groups(std::move(plan).value()));
}

Status SetMaker::open_groups(SetPlan plan) {
  give_back_runners();
  for (const auto& group : plan.groups) {
    auto runner = services_.providers->open(group.provider.id);
    if (!runner.ok()) return runner.error().while_doing("provider " + group.provider.name);
    runners_.push_back(std::move(runner).value());
  }
  infos_.clear();
  cuts_.clear();
  for (const auto& group : plan.groups) {
    for (std::size_t index : group.volumes) {
      const PlannedVolume& volume = plan.volumes[index];
      SnapshotInfo& info = infos_[volume.snapshot];
      info.snapshot = volume.snapshot;
      info.set = plan.set;
      info.provider = group.provider.id;
      info.provider_name = group.provider.name;
      info.volume = volume.surveyed.volume;
      info.attributes = plan.attributes;
      info.created = services_.clock->wall_now();
      info.host = services_.host;
    }
  }
  plan_ = std::move(plan);
  return Ok{};
}

std::vector<CutRequest> SetMaker::cut_requests(machine::GroupIndex group) const {
  std::vector<CutRequest> requests;
  for (std::size_t index : plan_->groups[group].volumes) {
    const PlannedVolume& volume = plan_->volumes[index];
    CutRequest& request = requests.emplace_back();
    request.set = plan_->set;
    request.snapshot = volume.snapshot;
    request.volume = volume.surveyed.volume;
    request.attributes = plan_->attributes;
    request.files = volume.surveyed.files;
    request.exclude = volume.surveyed.exclude;
    request.bytes_limit = services_.copy_bytes_limit;
  }
  return requests;
}

void SetMaker::step(machine::GroupIndex group, machine::ProviderStep step, StepHandler done) {
  struct Work {
    std::vector<CutRequest> requests;
    std::vector<SnapshotId> snapshots;
    StepAnswer answer;
    std::vector<CutRecord> records;
    std::vector<SnapshotInfo> infos;
    std::shared_ptr<const SnapshotPruning> pruning;
  };
  auto work = std::make_shared<Work>();
  if (step == machine::ProviderStep::pre_final) work->pruning = pruning_;
  if (step == machine::ProviderStep::begin_prepare) work->requests = cut_requests(group);
  for (std::size_t index : plan_->groups[group].volumes)
    work->snapshots.push_back(plan_->volumes[index].snapshot);

  const auto perform = [set = plan_->set, step, work](Provider& provider) -> Status {
    switch (step) {
      case machine::ProviderStep::begin_prepare:
        for (const auto& request : work->requests)
          if (Status s = provider.begin_prepare(request); !s.ok()) return s;
        return Ok{};
      case machine::ProviderStep::end_prepare: {
        auto estimate = provider.end_prepare(set);
        return estimate.ok() ? Status(Ok{}) : Status(estimate.error());
      }
      case machine::ProviderStep::pre_commit:
        return provider.pre_commit(set);
      case machine::ProviderStep::commit: {
        auto records = provider.commit(set);
        if (!records.ok()) return records.error();
        work->records = std::move(records).value();
        return Ok{};
      }
      case machine::ProviderStep::post_commit:
        return provider.post_commit(set);
      case machine::ProviderStep::pre_final: {
        auto infos = provider.pre_final(set);
        if (!infos.ok()) return infos.error();
        work->infos = std::move(infos).value();
        if (work->pruning) work->answer.pruned = prune_snapshots(*work->pruning, work->infos);
        return Ok{};
      }
      case machine::ProviderStep::post_final:
        return provider.post_final(set);
      case machine::ProviderStep::abort:
        provider.abort(set);
        return Ok{};
      case machine::ProviderStep::remove:
        for (const auto& snapshot : work->snapshots)
          if (Status s = remove_for_good(provider, snapshot); !s.ok()) return s;
        return Ok{};
    }
    return Error(Errc::internal, "an unknown provider step");
  };

  runners_[group]->post([this, strand = strand_, owner = owner_, work, perform, step,
                         done = std::move(done)](Provider& provider) {
    const Status status = perform(provider);
    work->answer.status = step == machine::ProviderStep::remove ? status : known_set(status);
    strand.post([this, owner, work, done] {
      const auto alive = owner.lock();
      if (!alive) return;
      for (const auto& record : work->records) {
        cuts_[record.snapshot] = record;
        for (std::size_t i = 0; i < plan_->volumes.size(); ++i)
          if (plan_->volumes[i].snapshot == record.snapshot)
            work->answer.cuts.push_back({static_cast<std::uint8_t>(i), record.begun, record.ended});
      }
      note_snapshots(std::move(work->infos));
      done(std::move(work->answer));
    });
  });
}

void SetMaker::note_snapshots(std::vector<SnapshotInfo> infos) {
  for (auto& info : infos) {
    auto known = infos_.find(info.snapshot);
    if (known == infos_.end()) continue;  // not of this set: a provider's mistake, not ours to keep
    if (info.host.empty()) info.host = services_.host;
    known->second = std::move(info);
  }
}

void SetMaker::flush(std::function<void(const Status&)> done) {
  struct Pending {
    std::size_t missing = 0;
    Status first_error = Ok{};
    std::function<void(const Status&)> done;
  };
  auto pending = std::make_shared<Pending>();
  pending->done = std::move(done);
  std::vector<BytePath> mounts;
  if (plan_)
    for (const auto& volume : plan_->volumes) mounts.push_back(volume.surveyed.volume.mount_point);
  if (mounts.empty()) return on_strand([pending] { pending->done(Ok{}); });
  pending->missing = mounts.size();
  const auto one_done = [pending](const Status& status) {
    if (!status.ok() && pending->first_error.ok()) pending->first_error = status;
    if (--pending->missing == 0) pending->done(pending->first_error);
  };
  for (const auto& mount : mounts) {
    const Status started = run_apart(
        [flush = services_.flush_volume, strand = strand_, owner = owner_, mount, one_done] {
          const Status status = flush(mount);
          strand.post([owner, status, one_done] {
            if (const auto alive = owner.lock()) one_done(status);
          });
        });
    if (!started.ok()) on_strand([one_done, started] { one_done(started); });
  }
}

std::vector<SnapshotInfo> SetMaker::snapshots() const {
  std::vector<SnapshotInfo> infos;
  if (!plan_) return infos;
  for (const auto& volume : plan_->volumes) infos.push_back(infos_.at(volume.snapshot));
  return infos;
}

}  // namespace stillframe::coordinator

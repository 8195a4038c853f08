// Simulated providers: one host process each, calls in order, cuts that stay until deleted.
#include <bit>

#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

using machine::ProviderStep;

void World::call_provider(std::uint32_t index, const ProviderActor::Call& call) {
  ProviderActor& provider = providers_[index];
  ProviderPart& part = at(call.session).providers[index];
  judge_step(index, call);
  if (call.step == ProviderStep::abort || call.step == ProviderStep::remove)
    part.abort_called = true;
  if (!provider.alive) {
    part.gone = true;
    return put(ItemKind::quick_step, 0, call.session, index, call.seq, 1);
  }
  // A host that lost track of a cut under way aborts what it knows of, and the cut comes late.
  const bool overtakes = provider.busy && provider.current.step == ProviderStep::commit &&
                         provider.current.session == call.session &&
                         call.step == ProviderStep::abort;
  if (overtakes) return put(ItemKind::quick_step, 0, call.session, index, call.seq);
  provider.queue.push_back(call);
  if (!provider.busy) begin_step(index);
}

void World::begin_step(std::uint32_t index) {
  ProviderActor& provider = providers_[index];
  if (provider.queue.empty() || !provider.alive) return;
  provider.current = provider.queue.front();
  provider.queue.erase(provider.queue.begin());
  provider.busy = true;
  provider.outcome.reset();
  provider.partial = provider.dies_at_end = false;
  provider.cut_begun = now_;
  ++provider.job;
  Nanos takes = latency();
  const auto& call = provider.current;
  Fault* fault = fault_at(call.session, PlaceKind::step, static_cast<std::uint8_t>(call.step),
                          index, static_cast<std::uint32_t>(providers_.size()));
  if (fault != nullptr) {
    fire(*fault);
    switch (fault->kind) {
      case FaultKind::provider_fails:
        provider.outcome = Errc::provider_veto;
        break;
      case FaultKind::provider_hangs:
        provider.outcome = Errc::provider_failed;
        takes = 3 * 3600 * kSecond;
        break;
      case FaultKind::provider_late:
        takes = (call.step == ProviderStep::commit ? 12 : 700) * kSecond;
        // Or only so slow that some holds run out before the commit's limit does.
        if (call.step >= ProviderStep::pre_commit && call.step <= ProviderStep::post_commit &&
            rng_.one_in(2)) {
          takes = rng_.between(2 * kSecond, 9 * kSecond);
        }
        break;
      case FaultKind::provider_dies_in_step:
        provider.dies_at_end = true;
        break;
      case FaultKind::partial_cut:
        provider.partial = true;
        provider.outcome = Errc::provider_failed;
        break;
      default:
        break;
    }
  }
  put(ItemKind::provider_done, takes, call.session, index, provider.job);
}

void World::cut(std::uint32_t index, const ProviderActor::Call& call, bool only_some) {
  SessionActor& session = at(call.session);
  const ProviderActor& provider = providers_[index];
  machine::VolumeMask volumes = provider.plan->volumes;
  if (only_some && std::popcount(volumes) > 1) volumes &= volumes - 1;
  session.providers[index].exists |= volumes;
  for (std::uint8_t volume = 0; volume < machine::kVolumesMax; ++volume) {
    if ((volumes >> volume & 1) != 0) session.cuts[volume] = {provider.cut_begun, now_, true};
  }
}

void World::carry_out_step(std::uint32_t index, const ProviderActor::Call& call) {
  ProviderPart& part = at(call.session).providers[index];
  switch (call.step) {
    case ProviderStep::begin_prepare:
      part.begun = true;
      return;
    case ProviderStep::end_prepare:
      part.ended_prepare = true;
      return;
    case ProviderStep::pre_commit:
      part.pre_committed = true;
      if (has(Bug::provider_cuts_at_pre_commit)) cut(index, call, false);
      return;
    case ProviderStep::commit:
      if (!has(Bug::provider_cuts_at_pre_commit)) cut(index, call, false);
      part.committed = true;
      return;
    case ProviderStep::post_commit:
      part.post_committed = true;
      return;
    case ProviderStep::pre_final:
      part.final_begun = true;
      return;
    case ProviderStep::post_final:
      part.sealed = !has(Bug::provider_never_seals);
      return;
    case ProviderStep::abort:
      if (!has(Bug::provider_abort_keeps_cut)) part.exists = 0;
      return;
    case ProviderStep::remove:
      part.exists = 0;
      return;
  }
}

void World::end_step(std::uint32_t index, std::uint32_t job) {
  ProviderActor& provider = providers_[index];
  if (!provider.alive || !provider.busy || provider.job != job) return;
  const auto call = provider.current;
  if (provider.dies_at_end) {
    if (rng_.one_in(2)) carry_out_step(index, call);
    return provider_dies(index);
  }
  if (provider.partial) cut(index, call, true);
  if (!provider.outcome) carry_out_step(index, call);
  const auto outcome = provider.outcome;
  provider.busy = false;
  answer_step(index, call, outcome);
  if (at(call.session).lost) reap();  // a new coordinator finds by query what came late
  if (!providers_[index].busy) begin_step(index);
}

void World::answer_step(std::uint32_t index, const ProviderActor::Call& call,
                        std::optional<Errc> failure) {
  SessionActor& session = at(call.session);
  if (session.lost || call.epoch != session.epoch) return;
  Event event;
  event.kind = EventKind::provider_answered;
  event.group = index;
  event.seq = call.seq;
  event.failure = failure;
  if (failure && session.machine.groups[index].call == call.seq) {
    session.providers[index].live_failure = failure;
  }
  cut_times_.clear();
  if (call.step == ProviderStep::commit && !failure) {
    for (std::uint8_t volume = 0; volume < machine::kVolumesMax; ++volume) {
      if ((providers_[index].plan->volumes >> volume & 1) == 0) continue;
      const CutTruth& truth = session.cuts[volume];
      const bool early = has(Bug::cuts_reported_early);
      const Nanos shift = early ? 5 * kSecond : 0;
      cut_times_.push_back({volume, BootTime(Duration(truth.begun - shift)),
                            BootTime(Duration(truth.ended - shift))});
    }
  }
  event.cuts = cut_times_;
  deliver(call.session, event);
}

void World::report_provider_loss(std::uint32_t index) {
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    if (!at(i).begun) continue;
    at(i).providers[index].gone = true;
    put(ItemKind::gone_provider, rng_.one_in(2) ? 0 : latency(), i, index);
  }
}

void World::provider_dies(std::uint32_t index) {
  ProviderActor& provider = providers_[index];
  if (!provider.alive) return;
  if (tracing()) trace(kNoSession, "p" + std::to_string(index) + " dies");
  provider.alive = false;
  const bool host_first = rng_.one_in(2);  // the loss of the host and the answers to calls race
  if (host_first) report_provider_loss(index);
  if (provider.busy && provider.current.epoch == epoch_) {
    put(ItemKind::quick_step, 0, provider.current.session, index, provider.current.seq, 1);
  }
  provider.busy = false;
  for (const auto& call : provider.queue) {
    if (call.epoch == epoch_) put(ItemKind::quick_step, 0, call.session, index, call.seq, 1);
  }
  provider.queue.clear();
  if (!host_first) report_provider_loss(index);
  put(ItemKind::provider_restart, rng_.between(5 * kMillisecond, 20 * kSecond), 0, index);
}

void World::provider_restarts(std::uint32_t index) {
  if (tracing()) trace(kNoSession, "p" + std::to_string(index) + " is back");
  providers_[index].alive = true;
  if (coordinator_up_) reap();
}

}  // namespace stillframe::testkit

// Time: one thing after another, until nothing is left to happen.
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

std::optional<Violation> World::run(const Plan& plan, const RunOptions& options) {
  options_ = options;
  reset(plan);
  // Far more than any plan needs: a session that goes in circles is a finding, not a hang.
  constexpr int kItemsMax = 200'000;
  int items = 0;
  while (!agenda_.empty() && !violation_) {
    const Item item = agenda_.take();
    now_ = item.at;
    handle(item);
    if (++items > kItemsMax) violated(kNoSession, "the run does not come to an end");
  }
  if (!violation_) judge_run_end();
  if (options_.coverage != nullptr) {
    Coverage& coverage = *options_.coverage;
    ++coverage.runs;
    coverage.sessions += plan.session_count;
    coverage.writers += plan.writers.size();
    coverage.volumes += static_cast<std::uint64_t>(plan.volumes);
    coverage.events += static_cast<std::uint64_t>(items);
  }
  return violation_;
}

void World::reset(const Plan& plan) {
  plan_ = &plan;
  rng_ = Rng(plan.seed ^ 0x5111f7a3e0c0ffeeULL);
  now_ = 10 * kSecond;
  agenda_.clear();
  epoch_ = 1;
  coordinator_up_ = true;
  violation_.reset();
  // Outsiders may take their time.
  slowness_ = !options_.guests.empty() || !options_.real_writers.empty();
  turns_ = {};
  writers_.resize(plan.writers.size());
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    auto queue = std::move(writers_[i].queue);
    queue.clear();
    writers_[i] = {};
    writers_[i].queue = std::move(queue);
    writers_[i].plan = &plan.writers[i];
  }
  providers_.resize(plan.providers.size());
  for (std::size_t i = 0; i < providers_.size(); ++i) {
    auto queue = std::move(providers_[i].queue);
    queue.clear();
    providers_[i] = {};
    providers_[i].queue = std::move(queue);
    providers_[i].plan = &plan.providers[i];
  }
  session_count_ = plan.session_count;
  journal_.assign(session_count_, {});
  if (sessions_.size() < session_count_) sessions_.resize(session_count_);
  for (std::uint16_t i = 0; i < session_count_; ++i) {
    SessionActor& session = sessions_[i];
    SessionActor fresh;
    std::swap(fresh.machine, session.machine);
    std::swap(fresh.faults, session.faults);
    std::swap(fresh.writers, session.writers);
    std::swap(fresh.providers, session.providers);
    std::swap(fresh.timers, session.timers);
    std::swap(fresh.replies, session.replies);
    std::swap(fresh.asked, session.asked);
    std::swap(fresh.asked_at, session.asked_at);
    std::swap(fresh.component_good, session.component_good);
    session = std::move(fresh);
    session.plan = &plan.sessions[i];
    session.faults = plan.sessions[i].faults;
    session.writers.assign(writers_.size(), {});
    session.providers.assign(providers_.size(), {});
    session.timers.clear();
    session.replies.assign(1, 0);
    session.asked.assign(1, EventKind::settled);
    session.asked_at.assign(1, 0);
    session.component_good.clear();
    session.guest = plan.sessions[i].guest;
    if (session.guest == kNoGuest) put(ItemKind::request, plan.sessions[i].start, i);
  }
  for (std::uint32_t i = 0; i < options_.guests.size(); ++i) put(ItemKind::guest, 0, 0, i);
}

Nanos World::latency() {
  // Mostly a fraction of a millisecond, sometimes a hundred.
  const auto draw = rng_.below(64);
  if (draw == 0) return rng_.between(5 * kMillisecond, 100 * kMillisecond);
  return rng_.between(20 * kMicrosecond, draw < 16 ? 5 * kMillisecond : 400 * kMicrosecond);
}

void World::put(ItemKind kind, Nanos delay, std::uint16_t session, std::uint32_t index,
                std::uint32_t seq, std::uint8_t extra) {
  Item item;
  item.at = now_ + delay;
  item.kind = kind;
  item.extra = extra;
  item.session = session;
  item.index = index;
  item.seq = seq;
  item.epoch = epoch_;
  agenda_.put(item);
}

void World::handle(const Item& item) {
  Event event;
  switch (item.kind) {
    case ItemKind::request:
      return act(item.session);
    case ItemKind::fault:
      return fire_phase_fault(item);
    case ItemKind::writer_done:
      return end_verb(item.index, item.seq);
    case ItemKind::writer_restart:
      return writer_restarts(item.index);
    case ItemKind::hold_expires:
      return lease_or_limit_over(item, false);
    case ItemKind::lease_expires:
      return lease_or_limit_over(item, true);
    case ItemKind::audit_hold:
      return audit_hold(item);
    case ItemKind::provider_done:
      return end_step(item.index, item.seq);
    case ItemKind::provider_restart:
      return provider_restarts(item.index);
    case ItemKind::operation_done:
      return finish_operation(item);
    case ItemKind::timer:
      return fire_timer(item);
    case ItemKind::coordinator_restart:
      return coordinator_restarts();
    case ItemKind::copy_done:
      return copy_ends(item.session);
    case ItemKind::guest:
      return options_.guests[item.index]->go_on();
    case ItemKind::gone_writer:
      event.kind = EventKind::writer_gone;
      event.writer = item.index;
      break;
    case ItemKind::returned_writer:
      if (!writers_[item.index].alive) return;
      at(item.session).writers[item.index].rejoined =
          at(item.session).plan->kind == SessionKind::restore;
      event.kind = EventKind::writer_returned;
      event.writer = item.index;
      break;
    case ItemKind::gone_provider:
      event.kind = EventKind::provider_gone;
      event.group = item.index;
      break;
    case ItemKind::quick_answer:
      event.kind = EventKind::writer_answered;
      event.writer = item.index;
      event.seq = item.seq;
      if (item.extra == 1) event.failure = Errc::writer_gone;
      if (item.extra == 2) event.failure = Errc::cancelled;
      break;
    case ItemKind::quick_step:
      event.kind = EventKind::provider_answered;
      event.group = item.index;
      event.seq = item.seq;
      if (item.extra != 0) event.failure = Errc::provider_failed;
      break;
  }
  if (item.epoch == at(item.session).epoch) deliver(item.session, event);
}

void World::trace(std::uint16_t session, const std::string& line) {
  const std::string who = session == kNoSession ? "--" : "s" + std::to_string(session);
  *options_.trace += std::to_string(now_ / 1000) + "us " + who + " " + line + "\n";
}

}  // namespace stillframe::testkit

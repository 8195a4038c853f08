// Simulated backup products, each with a script, patience and sometimes neither.
#include "framework/testkit/world.hpp"

namespace stillframe::testkit {

using machine::Phase;

namespace {

// The acts of a script, in their order; a restore shares the first two with a backup.
constexpr int gather = 0, select = 1, prepare = 2, snapshot = 3, held = 4, streams = 5,
              complete = 6, finish = 7, over = 8;
constexpr int pre_restore = 2, staged = 3, post_restore = 4, finish_restore = 5;

}  // namespace

void World::ask(std::uint16_t index, Event event) {
  SessionActor& session = at(index);
  event.request = session.next_request++;
  session.replies.push_back(0);
  session.asked.push_back(event.kind);
  session.asked_at.push_back(now_);
  if (tracing())
    trace(index,
          "asks #" + std::to_string(event.request) + " " + std::string(to_string(event.kind)));
  deliver(index, event);
}

void World::ask(std::uint16_t index, EventKind kind, std::uint32_t writer,
                std::uint32_t component) {
  Event event;
  event.kind = kind;
  event.writer = writer;
  event.component = component;
  ask(index, event);
}

void World::act(std::uint16_t index) {
  SessionActor& session = at(index);
  if (!session.begun) {
    if (!coordinator_up_) return put(ItemKind::request, kSecond, index);
    begin_session(index);
    // Thinks a little, so that faults find it before it says anything.
    return put(ItemKind::request, 5 * kMillisecond, index);
  }
  if (session.lost || session.requestor_gone || session.silent || session.script_over) return;
  if (session.step > gather && session.awaited != 0) return;
  session.awaited = session.next_request;
  if (session.plan->kind == SessionKind::restore && session.step != over + 1) {
    act_restore(index);
  } else {
    act_backup(index);
  }
}

void World::begin_session(std::uint16_t index) {
  SessionActor& session = at(index);
  session.begun = true;
  session.epoch = epoch_;
  machine::SessionOptions options;
  options.truncates = session.plan->truncates;
  options.limits.start_wait = Duration(session.plan->start_wait);
  const bool restore = session.plan->kind == SessionKind::restore;
  session.machine.restart(restore ? Phase::restore_created : Phase::created, options);
  actions_.clear();
  machine::begin(session.machine, BootTime(Duration(now_)), actions_);
  for (const Action& action : actions_) carry_out(index, action);
  phase_faults(index);
}

void World::act_backup(std::uint16_t index) {
  SessionActor& session = at(index);
  const SessionPlan& plan = *session.plan;
  Event event;
  machine::SetSpec set;
  machine::CompleteSpec results;
  switch (session.step) {
    case gather:
      writer_specs_.clear();
      for (const WriterActor& writer : writers_) {
        writer_specs_.push_back(
            {writer.plan->level, writer.plan->capabilities, Duration(writer.plan->hold_limit)});
      }
      event.kind = EventKind::gather;
      event.writers = writer_specs_;
      return ask(index, event);
    case select:
      component_specs_.clear();
      for (const ComponentPlan& component : plan.components) {
        component_specs_.push_back({component.writer, component.policy, component.has_logs});
        session.component_good.push_back(plan.all_published || !rng_.one_in(10) ? 1 : 0);
      }
      event.kind = EventKind::select;
      event.components = component_specs_;
      return ask(index, event);
    case prepare:
      return ask(index, EventKind::prepare);
    case snapshot:
      group_specs_.clear();
      volume_masks_.clear();
      for (const ProviderActor& provider : providers_) {
        if (plan.kind != SessionKind::hold) {
          group_specs_.push_back({provider.plan->atomicity, provider.plan->volumes});
        }
      }
      for (const ComponentPlan& component : plan.components)
        volume_masks_.push_back(component.volumes);
      set.groups = group_specs_;
      set.component_volumes = volume_masks_;
      set.auto_release = plan.auto_release;
      event.kind = plan.kind == SessionKind::hold ? EventKind::hold_begin : EventKind::snapshot;
      event.set = &set;
      return ask(index, event);
    case held: {
      // Somebody else cut between the reply to hold_begin and now.
      for (CutTruth& cut : session.cuts) cut = {session.frozen_at, now_, true};
      return ask(index, EventKind::hold_end);
    }
    case streams: {
      const auto component = session.script_component / 3;
      const auto kind = static_cast<EventKind>(static_cast<std::uint32_t>(EventKind::open_stream) +
                                               session.script_component % 3);
      const std::uint32_t writer = plan.components[component].writer;
      ask(index, kind, writer, component);
      hasten_faults(index);
      // Some complete before their stream has ended.
      if (violation_ || session.lost || !rng_.one_in(16)) return;
      if (session.machine.phase != Phase::ready || session.machine.writers[writer].call == 0)
        return;
      results.receipt_valid = true;
      event.kind = EventKind::complete;
      event.complete = &results;
      session.unfit = session.next_request;
      return ask(index, event);
    }
    case complete:
      results.receipt_valid = plan.valid_receipt || session.last_reply == Errc::invalid_argument;
      results.succeeded = session.component_good;
      if (results.receipt_valid) session.published = true;
      if (has(Bug::truncate_ignores_success)) {
        results.succeeded = std::span<const std::uint8_t>(session.replies.data(), 0);
        component_specs_.clear();
        static const std::vector<std::uint8_t> all(64, 1);
        results.succeeded = all;
      }
      event.kind = EventKind::complete;
      event.complete = &results;
      return ask(index, event);
    case finish:
      return ask(index, EventKind::end);
    default:
      return;
  }
}

// Per component of a staged writer: prepare, locations, register, copy, status, complete.
bool World::staged_act(std::uint16_t index) {
  SessionActor& session = at(index);
  const auto& components = session.plan->components;
  for (; session.script_component / 6 < components.size(); session.script_component += 6) {
    const auto component = session.script_component / 6;
    const auto writer = components[component].writer;
    const bool first = component == 0 || components[component - 1].writer != writer;
    if (!first) continue;
    Event event;
    if (rng_.one_in(3)) {  // names a writer that does not exist
      constexpr EventKind kKinds[] = {EventKind::restore_prepare, EventKind::restore_locations,
                                      EventKind::restore_register, EventKind::restore_complete};
      event.kind = kKinds[rng_.below(4)];
      event.writer = event.component = 9999;
      session.unfit = session.next_request;
      session.awaited = session.next_request + 1;
      ask(index, event);
      if (violation_ || session.lost) return true;
    }
    event.writer = writer;
    event.component = component;
    if (!writers_[writer].plan->capabilities.has(Capability::staged_restore)) {
      session.script_component += 5;  // its files go straight to their place
      event.kind = EventKind::file_status;
      ask(index, event);
      return true;
    }
    switch (session.script_component % 6) {
      case 0:
        event.kind = EventKind::restore_prepare;
        break;
      case 1:
        event.kind = EventKind::restore_locations;
        break;
      case 2:
        event.kind = EventKind::restore_register;
        break;
      case 3:
        writers_[writer].files = TargetFiles::partial;
        session.copy_under_way = true;
        session.awaited = 0;
        put(ItemKind::copy_done, rng_.between(kMillisecond, 30 * kMillisecond), index, writer);
        return true;
      case 4:
        event.kind = EventKind::file_status;
        break;
      default:
        event.kind = EventKind::restore_complete;
        event.copied_ok = session.plan->copy_succeeds;
        break;
    }
    ask(index, event);
    return true;
  }
  return false;
}

void World::copy_ends(std::uint16_t index) {
  SessionActor& session = at(index);
  session.copy_under_way = false;
  if (session.lost || session.requestor_gone || session.script_over) return;
  const auto component = session.script_component / 6;
  if (session.plan->copy_succeeds) {
    writers_[session.plan->components[component].writer].files = TargetFiles::restored;
  }
  ++session.script_component;
  act(index);
}

void World::act_restore(std::uint16_t index) {
  SessionActor& session = at(index);
  switch (session.step) {
    case gather:
    case select:
      return act_backup(index);
    case pre_restore:
      return ask(index, EventKind::pre_restore);
    case staged:
      if (staged_act(index)) return;
      session.step = post_restore;
      return ask(index, EventKind::post_restore);
    case post_restore:
      return ask(index, EventKind::post_restore);
    case finish_restore:
      return ask(index, EventKind::end);
    default:
      return;
  }
}

// Long enough for a fault that is meant to find it waiting.
Nanos World::thinking_time(std::uint16_t index) {
  for (const Fault& fault : at(index).faults) {
    if (!fault.fired && place_of(fault.kind) == PlaceKind::phase) return 4 * kMillisecond;
  }
  // A cut elsewhere can take longer than some writer holds.
  if (at(index).step == held && rng_.one_in(8)) {
    slowness_ = true;
    return rng_.between(kSecond, 20 * kSecond);
  }
  return rng_.one_in(4) ? rng_.between(0, 20 * kMillisecond) : 0;
}

// One answer. What to do next is decided here, and done after a moment's thought.
void World::replied(std::uint16_t index, machine::RequestId request, std::optional<Errc> failure) {
  SessionActor& session = at(index);
  if (request >= session.replies.size()) return violated(index, "a reply to a request nobody made");
  if (++session.replies[request] > 1) return violated(index, "a request was answered twice");
  if (session.requestor_gone) return violated(index, "a reply to a requestor that is gone");
  judge_reply(index, request, failure);
  if (request == session.misuse) {
    session.misuse = 0;
    if (failure != Errc::wrong_state) violated(index, "a request out of order was not refused");
    return;
  }
  if (request == session.unfit) {
    session.unfit = 0;
    if (!failure) violated(index, "a request that cannot be served was");
    return;
  }
  if (guest_hears(index, request, failure)) return;
  if (request != session.awaited) return;
  session.awaited = 0;
  session.last_reply = failure;
  const bool restore = session.plan->kind == SessionKind::restore;
  const int last = restore ? finish_restore : finish;
  if (session.step == last) {
    session.step = over;
    // Some make sure.
    if (rng_.one_in(3) && session.machine.phase == Phase::ended) {
      session.step = over + 1;
      return put(ItemKind::request, kMillisecond, index);
    }
    session.script_over = true;
    return;
  }
  if (restore && session.step == staged) {
    // Steps 0..2 that fail leave this component out; nothing is copied to an unregistered target.
    const bool skip = failure && session.script_component % 6 < 3;
    const bool done = session.script_component % 6 == 5;
    session.script_component =
        skip || done ? session.script_component / 6 * 6 + 6 : session.script_component + 1;
  } else if (restore) {
    session.completed_ok = session.step == post_restore && !failure;
    session.step = failure && session.step < staged ? last : session.step + 1;
  } else if (session.step == streams) {
    ++session.script_component;
    if (session.script_component >= std::min<std::size_t>(2, session.plan->components.size()) * 3) {
      session.step = complete;
    }
  } else if (session.step == complete && failure == Errc::invalid_argument && !session.published) {
    // The right receipt this time.
  } else if (failure) {
    session.step = last;
  } else {
    if (session.step == complete) session.completed_ok = true;
    const SessionKind kind = session.plan->kind;
    switch (session.step) {
      case prepare:
        if (kind == SessionKind::stream) {
          session.step = session.plan->streams ? streams : complete;
        } else {
          session.step = snapshot;
        }
        break;
      case snapshot:
        session.step = kind == SessionKind::hold   ? held
                       : kind == SessionKind::both ? streams
                                                   : complete;
        break;
      case held:
        session.step = complete;
        break;
      default:
        ++session.step;
        break;
    }
    if (session.step == complete && !session.plan->publishes) session.step = last;
  }
  put(ItemKind::request, thinking_time(index), index);
}

}  // namespace stillframe::testkit

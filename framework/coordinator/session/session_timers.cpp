#include "framework/coordinator/session/session_timers.hpp"

namespace stillframe::coordinator {

void SessionTimers::arm(const Alarm& alarm) {
  cancel(alarm.seq);
  alarms_[alarm.seq] = alarm;
  by_deadline_.emplace(alarm.deadline, alarm.seq);
  if (!armed_for_ || alarm.deadline < *armed_for_) rearm();
}

void SessionTimers::cancel(machine::CallSeq seq) {
  auto alarm = alarms_.find(seq);
  if (alarm == alarms_.end()) return;
  by_deadline_.erase({alarm->second.deadline, seq});
  alarms_.erase(alarm);
}

std::optional<BootTime> SessionTimers::first_hold_end() const {
  for (const auto& [deadline, seq] : by_deadline_)
    if (alarms_.at(seq).kind == machine::TimerKind::hold) return deadline;
  return std::nullopt;
}

void SessionTimers::rearm() {
  armed_for_.reset();
  if (by_deadline_.empty()) return timer_->disarm();
  armed_for_ = by_deadline_.begin()->first;
  timer_->arm(*armed_for_, [this, owner = owner_] {
    if (const auto alive = owner.lock()) rang();
  });
}

void SessionTimers::rang() {
  const BootTime now = clock_.now();
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
    const Alarm alarm = alarms_.at(by_deadline_.begin()->second);
    cancel(alarm.seq);
    ring_(alarm);
  }
  rearm();
}

machine::EventKind timeout_event(machine::TimerKind kind) noexcept {
  switch (kind) {
    case machine::TimerKind::phase:
      return machine::EventKind::phase_timeout;
    case machine::TimerKind::commit:
      return machine::EventKind::commit_timeout;
    case machine::TimerKind::hold:
      return machine::EventKind::hold_timeout;
    case machine::TimerKind::call:
      return machine::EventKind::call_timeout;
    case machine::TimerKind::start:
      return machine::EventKind::start_timeout;
  }
  return machine::EventKind::phase_timeout;
}

}  // namespace stillframe::coordinator

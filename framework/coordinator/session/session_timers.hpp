// The alarms of one session on one kernel timer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "framework/coordinator/machine/action.hpp"
#include "framework/coordinator/runtime/runtime.hpp"

namespace stillframe::coordinator {

// Used on the session's strand only.
class SessionTimers {
 public:
  struct Alarm {
    machine::TimerKind kind = machine::TimerKind::phase;
    machine::WriterIndex writer = machine::kNone;
    machine::CallSeq seq = 0;
    BootTime deadline;
  };
  using Handler = std::function<void(const Alarm&)>;

  SessionTimers(std::unique_ptr<BootTimer> timer, const Clock& clock, Handler ring)
      : timer_(std::move(timer)), clock_(clock), ring_(std::move(ring)) {}

  // Who owns this object: kept alive while an alarm is told of, and not told once it is gone.
  void set_owner(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

  void arm(const Alarm& alarm);
  void cancel(machine::CallSeq seq);
  // The first hold that will end by its limit; none when none is armed.
  std::optional<BootTime> first_hold_end() const;

 private:
  void rearm();
  void rang();

  std::unique_ptr<BootTimer> timer_;
  const Clock& clock_;
  const Handler ring_;
  std::weak_ptr<void> owner_;
  std::map<machine::CallSeq, Alarm> alarms_;  // at most a few a writer
  std::set<std::pair<BootTime, machine::CallSeq>> by_deadline_;
  std::optional<BootTime>
      armed_for_;  // no later than the first alarm; a ring too early is harmless
};

// What the machine is told when an alarm goes off.
machine::EventKind timeout_event(machine::TimerKind kind) noexcept;

}  // namespace stillframe::coordinator

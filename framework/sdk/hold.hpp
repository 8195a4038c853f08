// The bookkeeping of one hold, from the receipt of freeze to the answer to thaw. Pure: no thread,
// no clock, no lock of its own.
#pragma once

#include <optional>
#include <string_view>

#include <stillframe/evidence.hpp>

namespace stillframe {

// Why the SDK thawed on its own account.
enum class SelfThaw {
  hold_limit,    // the hold lasted too long
  lease,         // the coordinator was silent for too long
  disconnected,  // the coordinator is gone
  late,          // freeze() returned after its deadline, or after being told to give up
  refused,       // freeze() failed
  ended,         // the session was aborted or shut down, or the host is ending
};

class Hold {
 public:
  // freezing: freeze() runs. held: it returned ok. thawing: thaw() runs. over: thawed by the SDK;
  // kept so that the coordinator's own thaw is answered with what happened.
  enum class Phase { freezing, held, thawing, over };

  struct Terms {
    SessionId session;
    std::uint64_t number = 0;  // tells two holds of one session apart
    BootTime received;         // when freeze arrived: the limit counts from here
    Duration limit{0};         // zero: none
    Duration lease{0};         // zero: none
  };

  explicit Hold(Terms terms) : terms_(terms), last_sign_(terms.received) {}

  const SessionId& session() const { return terms_.session; }
  std::uint64_t number() const { return terms_.number; }
  Phase phase() const { return phase_; }

  // The coordinator of the session gave a sign of life.
  void sign_of_life(BootTime at);
  // When the hold must end by itself, as things stand; none when it has no terms.
  std::optional<BootTime> due() const;
  // Why it must end by now, if it must.
  std::optional<SelfThaw> overdue(BootTime now) const;

  // freeze() is still running and must be followed by a thaw at once. The first reason stands.
  void give_up(SelfThaw why);
  const std::optional<SelfThaw>& given_up() const { return given_up_; }

  void freeze_returned(BootTime at, Duration suspended_so_far);
  void thaw_begins(BootTime at, Duration suspended_so_far);
  // thaw() failed: the application may still be held.
  void thaw_failed();
  int thaws_failed() const { return thaws_failed_; }

  // The coordinator thawed: what to answer. `said` is the writer's own statement.
  HoldStatement close(HoldStatement said) const;
  // The SDK thawed.
  void close_by_self(HoldStatement said, SelfThaw why);
  const HoldStatement& statement() const { return statement_; }

 private:
  HoldStatement timed(HoldStatement said) const;

  Terms terms_;
  Phase phase_ = Phase::freezing;
  BootTime last_sign_;
  std::optional<SelfThaw> given_up_;
  BootTime from_, until_;
  Duration suspended_from_{0}, suspended_until_{0};
  int thaws_failed_ = 0;
  HoldStatement statement_;
};

// One sentence for HoldStatement::broken_because and for logs.
std::string_view describe(SelfThaw why) noexcept;

}  // namespace stillframe

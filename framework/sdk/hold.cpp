#include "framework/sdk/hold.hpp"

#include <algorithm>

namespace stillframe {
namespace {

// Reading two clocks is not exact; a real suspend takes longer than this.
constexpr Duration kSuspendMin = std::chrono::milliseconds(20);

}  // namespace

void Hold::sign_of_life(BootTime at) {
  last_sign_ = std::max(last_sign_, at);
}

std::optional<BootTime> Hold::due() const {
  std::optional<BootTime> due;
  if (terms_.limit > Duration{0}) due = terms_.received + terms_.limit;
  if (terms_.lease > Duration{0}) {
    const BootTime lease_ends = last_sign_ + terms_.lease;
    due = due ? std::min(*due, lease_ends) : lease_ends;
  }
  return due;
}

std::optional<SelfThaw> Hold::overdue(BootTime now) const {
  if (terms_.limit > Duration{0} && now >= terms_.received + terms_.limit) {
    return SelfThaw::hold_limit;
  }
  if (terms_.lease > Duration{0} && now >= last_sign_ + terms_.lease) return SelfThaw::lease;
  return std::nullopt;
}

void Hold::give_up(SelfThaw why) {
  if (!given_up_) given_up_ = why;
}

void Hold::freeze_returned(BootTime at, Duration suspended_so_far) {
  from_ = at;
  suspended_from_ = suspended_so_far;
  phase_ = Phase::held;
}

void Hold::thaw_begins(BootTime at, Duration suspended_so_far) {
  // A second try does not make the hold longer: the first may have let go of something.
  if (thaws_failed_ == 0) {
    until_ = at;
    suspended_until_ = suspended_so_far;
  }
  phase_ = Phase::thawing;
}

void Hold::thaw_failed() {
  ++thaws_failed_;
  phase_ = Phase::held;
}

// The writer may know better when its hold began and ended, but never more than happened: not
// before freeze arrived, not after thaw() was called.
HoldStatement Hold::timed(HoldStatement said) const {
  const BootTime none{};
  if (said.held_from == none || said.held_from < terms_.received || said.held_from > until_) {
    said.held_from = from_;
  }
  if (said.held_until == none || said.held_until > until_ || said.held_until < said.held_from) {
    said.held_until = until_;
  }
  return said;
}

HoldStatement Hold::close(HoldStatement said) const {
  said = timed(std::move(said));
  if (!said.unbroken && said.broken_because.empty()) {
    said.broken_because = "the writer says that its hold was broken";
  }
  if (suspended_until_ - suspended_from_ >= kSuspendMin) {
    said.unbroken = false;
    said.broken_because = "the machine was suspended during the hold";
  }
  if (thaws_failed_ > 0) {
    said.unbroken = false;
    said.broken_because = "an earlier thaw failed and may have let go of a part";
  }
  return said;
}

void Hold::close_by_self(HoldStatement said, SelfThaw why) {
  statement_ = timed(std::move(said));
  statement_.unbroken = false;
  statement_.broken_because = std::string(describe(why));
  phase_ = Phase::over;
}

std::string_view describe(SelfThaw why) noexcept {
  switch (why) {
    case SelfThaw::hold_limit:
      return "the hold limit passed before thaw came";
    case SelfThaw::lease:
      return "the coordinator was silent for longer than its lease";
    case SelfThaw::disconnected:
      return "the connection to the coordinator was lost";
    case SelfThaw::late:
      return "freeze finished after it was no longer wanted";
    case SelfThaw::refused:
      return "freeze failed";
    case SelfThaw::ended:
      return "the session ended before thaw came";
  }
  return "unknown";
}

}  // namespace stillframe

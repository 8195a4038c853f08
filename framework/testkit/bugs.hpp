// Protocol bugs that can be planted, to prove that the invariants see them. Each is one line in a
// simulated participant, in the driver, or in the interpreter's place; none exists outside the kit.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillframe::testkit {

enum class Bug : std::uint8_t {
  none,
  // Of the driver: what a coordinator around the machine could get wrong.
  reply_twice,
  reply_lost,
  late_answers_pass,  // stale answers get the sequence number of the call under way
  timer_never_cancelled,
  timer_never_fires,
  heartbeat_never_stops,
  turn_not_released,
  turn_given_to_all,
  receipt_not_journalled,  // says so, and writes nothing
  intent_not_journalled,
  recovery_forgets_snapshots,
  thaw_skipped_after_provider_failure,
  aside_calls_lost,  // thaw and abort for writers that were left behind
  shutdown_skipped,
  failed_write_reported_done,
  cuts_reported_early,       // the provider's times are rounded to before the freeze
  truncate_ignores_success,  // completes with every component marked as good
  abort_skips_providers,
  remove_skips_last_provider,
  complete_says_copied,  // restore_complete always says that the copy went well
  // Of a writer's SDK.
  sdk_ignores_lease,
  sdk_ignores_hold_limit,
  sdk_claims_unbroken,  // after its own timer ended the hold
  sdk_thaw_does_nothing,
  sdk_forgets_interlock,
  // Of a provider.
  provider_abort_keeps_cut,
  provider_cuts_at_pre_commit,
  provider_never_seals,
};
inline constexpr int kBugs = static_cast<int>(Bug::provider_never_seals) + 1;
std::string_view to_string(Bug bug);

}  // namespace stillframe::testkit

#include "framework/testkit/bugs.hpp"

#include <array>

namespace stillframe::testkit {

std::string_view to_string(Bug bug) {
  constexpr std::array<std::string_view, kBugs> kNames{"none",
                                                       "reply_twice",
                                                       "reply_lost",
                                                       "late_answers_pass",
                                                       "timer_never_cancelled",
                                                       "timer_never_fires",
                                                       "heartbeat_never_stops",
                                                       "turn_not_released",
                                                       "turn_given_to_all",
                                                       "receipt_not_journalled",
                                                       "intent_not_journalled",
                                                       "recovery_forgets_snapshots",
                                                       "thaw_skipped_after_provider_failure",
                                                       "aside_calls_lost",
                                                       "shutdown_skipped",
                                                       "failed_write_reported_done",
                                                       "cuts_reported_early",
                                                       "truncate_ignores_success",
                                                       "abort_skips_providers",
                                                       "remove_skips_last_provider",
                                                       "complete_says_copied",
                                                       "sdk_ignores_lease",
                                                       "sdk_ignores_hold_limit",
                                                       "sdk_claims_unbroken",
                                                       "sdk_thaw_does_nothing",
                                                       "sdk_forgets_interlock",
                                                       "provider_abort_keeps_cut",
                                                       "provider_cuts_at_pre_commit",
                                                       "provider_never_seals"};
  return kNames[static_cast<std::size_t>(bug)];
}

}  // namespace stillframe::testkit

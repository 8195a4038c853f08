#include "framework/coordinator/machine/phase.hpp"

#include <array>

namespace stillframe::machine {
namespace {

using enum PhaseKind;

constexpr PhaseInfo kInfo[] = {
    {Phase::created, "created", home, Bound::idle, "nothing asked yet"},
    {Phase::identifying, "identifying", waiting, Bound::identify, "every writer says what it owns"},
    {Phase::gathered, "gathered", home, Bound::idle, "writers are known; components are selected"},
    {Phase::preparing, "preparing", waiting, Bound::prepare, "writers prepare_backup, may refuse"},
    {Phase::prepared, "prepared", home, Bound::idle, "ready to snapshot, stream or complete"},
    {Phase::queued, "queued", waiting, Bound::queue, "waits for its turn on volumes and writers"},
    {Phase::recording_intent, "recording_intent", waiting, Bound::journal,
     "the journal learns which set may leave snapshots behind"},
    {Phase::preparing_snapshot, "preparing_snapshot", waiting, Bound::prepare,
     "writers prepare_snapshot, may refuse"},
    {Phase::provider_preparing, "provider_preparing", waiting, Bound::provider_prepare,
     "providers begin and end their preparation"},
    {Phase::flushing, "flushing", waiting, Bound::flush,
     "syncfs of every volume, outside the hold"},
    {Phase::freezing, "freezing", waiting, Bound::none,
     "writers freeze: front end, back end, system; a level in parallel"},
    {Phase::holding, "holding", home, Bound::hold, "writers are held around somebody else's cut"},
    {Phase::pre_committing, "pre_committing", waiting, Bound::commit, "providers pre_commit"},
    {Phase::committing, "committing", waiting, Bound::commit, "providers cut every volume"},
    {Phase::post_committing, "post_committing", waiting, Bound::commit, "providers post_commit"},
    {Phase::thawing, "thawing", waiting, Bound::thaw,
     "writers thaw in reverse level order and state their hold"},
    {Phase::finalizing, "finalizing", waiting, Bound::finalize,
     "providers pre_final: snapshots become readable and writable"},
    {Phase::post_snapshot, "post_snapshot", waiting, Bound::prepare,
     "writers recover inside the snapshot"},
    {Phase::sealing, "sealing", waiting, Bound::finalize, "providers post_final: read-only"},
    {Phase::recording_set, "recording_set", waiting, Bound::journal,
     "the journal learns that the set is whole"},
    {Phase::ready, "ready", home, Bound::idle, "snapshots can be copied, streams opened"},
    {Phase::journalling_receipt, "journalling_receipt", waiting, Bound::journal,
     "the receipt is made durable before any writer hears of it"},
    {Phase::completing, "completing", waiting, Bound::complete,
     "writers backup_complete, then truncate_logs per component"},
    {Phase::completed, "completed", home, Bound::idle, "the backup is over and well"},
    {Phase::aborting, "aborting", waiting, Bound::abort,
     "writers abort (and thaw), providers take back what they did"},
    {Phase::releasing, "releasing", waiting, Bound::finalize, "auto-release snapshots are deleted"},
    {Phase::shutting_down, "shutting_down", waiting, Bound::shutdown,
     "every writer that took part hears that the session is over"},
    {Phase::restore_created, "restore_created", home, Bound::idle, "nothing asked yet"},
    {Phase::restore_identifying, "restore_identifying", waiting, Bound::identify,
     "live writers are matched with the stored documents"},
    {Phase::restore_gathered, "restore_gathered", home, Bound::idle, "components are selected"},
    {Phase::pre_restoring, "pre_restoring", waiting, Bound::restore,
     "writers take data offline, may refuse"},
    {Phase::pre_restored, "pre_restored", home, Bound::idle,
     "files may be copied; no target is registered"},
    {Phase::restore_preparing, "restore_preparing", waiting, Bound::restore,
     "a writer checks authority and expiry"},
    {Phase::locating, "locating", waiting, Bound::restore, "a writer says where its files go"},
    {Phase::registering, "registering", waiting, Bound::restore,
     "a writer sets the interlock beside its target"},
    {Phase::copying, "copying", home, Bound::idle, "at least one target is interlocked"},
    {Phase::restore_completing, "restore_completing", waiting, Bound::restore,
     "a writer records how the copy ended"},
    {Phase::post_restoring, "post_restoring", waiting, Bound::restore,
     "writers recover; a target that restarts is called when it returns"},
    {Phase::restored, "restored", home, Bound::idle, "the restore is over and well"},
    {Phase::restore_ending, "restore_ending", waiting, Bound::shutdown,
     "writers hear that the restore is over; interlocks stay"},
    {Phase::ended, "ended", over, Bound::none, "nothing more happens but late answers"},
};
static_assert(std::size(kInfo) == kPhases);

constexpr bool in_order() {
  for (int i = 0; i < kPhases; ++i) {
    if (static_cast<int>(kInfo[i].phase) != i) return false;
  }
  return true;
}
static_assert(in_order());

}  // namespace

const PhaseInfo& info(Phase phase) noexcept {
  return kInfo[static_cast<int>(phase)];
}

std::string_view to_string(Phase phase) noexcept {
  return info(phase).name;
}

std::string_view to_string(Bound bound) noexcept {
  constexpr std::array<std::string_view, 16> kNames{
      "-",     "hold",   "idle", "identify", "prepare",  "queue", "journal",  "provider_prepare",
      "flush", "commit", "thaw", "finalize", "complete", "abort", "shutdown", "restore"};
  return kNames[static_cast<std::size_t>(bound)];
}

}  // namespace stillframe::machine

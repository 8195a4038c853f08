#include "framework/coordinator/machine/table.hpp"

#include "framework/base/check.hpp"
#include "framework/coordinator/machine/table_rows.hpp"

namespace stillframe::machine {

Table::Table(std::vector<Row> rows) : rows_(std::move(rows)) {
  STILLFRAME_CHECK(rows_.size() < 65'536, "a RowIndex holds every row");
  for (int phase = 0; phase < kPhases; ++phase) {
    for (int event = 0; event < kEventKinds; ++event) {
      auto& cell = cells_[phase][event];
      cell.first = static_cast<std::uint16_t>(order_.size());
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = rows_[i];
        if (static_cast<int>(row.phase) != phase || static_cast<int>(row.event) != event) continue;
        order_.push_back(static_cast<RowIndex>(i));
      }
      cell.second = static_cast<std::uint16_t>(order_.size());
    }
  }
}

std::span<const RowIndex> Table::at(Phase phase, EventKind event) const noexcept {
  const auto& cell = cells_[static_cast<std::size_t>(phase)][static_cast<std::size_t>(event)];
  return {order_.data() + cell.first, static_cast<std::size_t>(cell.second - cell.first)};
}

const Table& session_table() {
  static const Table table(session_rows());
  return table;
}

std::string_view to_string(Guard guard) noexcept {
  constexpr std::array<std::string_view, kGuards> kNames{
      "always",           "hold_only",       "fails_set",         "more_freeze_levels",
      "more_thaw_levels", "proof_missing",   "operation_failed",  "begin_prepared",
      "closing",          "receipt_invalid", "call_under_way",    "can_call",
      "can_register",     "can_complete",    "registration_open", "truncation_due",
      "awaited"};
  return kNames[static_cast<std::size_t>(guard)];
}

std::string_view to_string(Effect effect) noexcept {
  constexpr std::array<std::string_view, kEffects> kNames{"none",
                                                          "note_request",
                                                          "note_writers",
                                                          "note_selection",
                                                          "note_set",
                                                          "note_results",
                                                          "note_all_frozen",
                                                          "note_foreign_cut",
                                                          "take_answer",
                                                          "take_group_answer",
                                                          "take_operation",
                                                          "note_component",
                                                          "drop_failed",
                                                          "forget_requestor",
                                                          "reply_ok",
                                                          "reply_now",
                                                          "refuse",
                                                          "fail_pending",
                                                          "fail_proof",
                                                          "call_identify",
                                                          "call_prepare_backup",
                                                          "call_prepare_snapshot",
                                                          "freeze_next_level",
                                                          "thaw_next_level",
                                                          "call_post_snapshot",
                                                          "call_backup_complete",
                                                          "truncate_next",
                                                          "call_shutdown",
                                                          "call_begin_prepare",
                                                          "call_end_prepare",
                                                          "call_pre_commit",
                                                          "call_commit",
                                                          "call_post_commit",
                                                          "call_pre_final",
                                                          "call_post_final",
                                                          "remove_snapshots",
                                                          "abandon_calls",
                                                          "abort_all",
                                                          "take_turns",
                                                          "release_turns",
                                                          "flush",
                                                          "journal_intent",
                                                          "journal_set",
                                                          "journal_receipt",
                                                          "arm_commit",
                                                          "cancel_commit",
                                                          "judge",
                                                          "seal",
                                                          "call_for_requestor",
                                                          "time_call",
                                                          "call_pre_restore",
                                                          "call_post_restore",
                                                          "call_restore_end",
                                                          "rejoin",
                                                          "close_session"};
  return kNames[static_cast<std::size_t>(effect)];
}

}  // namespace stillframe::machine

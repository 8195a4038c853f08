#include "framework/coordinator/machine/action.hpp"

#include <array>

namespace stillframe::machine {

std::string_view to_string(ProviderStep step) noexcept {
  constexpr std::array<std::string_view, kProviderSteps> kNames{
      "begin_prepare", "end_prepare", "pre_commit", "commit", "post_commit",
      "pre_final",     "post_final",  "abort",      "remove"};
  return kNames[static_cast<std::size_t>(step)];
}

std::string_view to_string(Record record) noexcept {
  constexpr std::array<std::string_view, kRecords> kNames{
      "set_intended",          "set_created",         "receipt",
      "registration_opened",   "registration_closed", "session_closed",
      "session_left_snapshots"};
  return kNames[static_cast<std::size_t>(record)];
}

std::string_view to_string(TimerKind kind) noexcept {
  constexpr std::array<std::string_view, 5> kNames{"phase", "commit", "hold", "call", "start"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(ActionKind kind) noexcept {
  constexpr std::array<std::string_view, kActionKinds> kNames{
      "call_writer",   "give_up_call", "start_heartbeat", "stop_heartbeat",
      "call_provider", "flush",        "take_turns",      "release_turns",
      "journal",       "reply",        "arm_timer",       "cancel_timer"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace stillframe::machine

#include "framework/coordinator/machine/event.hpp"

#include <array>

namespace stillframe::machine {

std::string_view to_string(EventKind kind) noexcept {
  constexpr std::array<std::string_view, kEventKinds> kNames{"gather",
                                                             "select",
                                                             "prepare",
                                                             "snapshot",
                                                             "hold_begin",
                                                             "hold_end",
                                                             "open_stream",
                                                             "close_stream",
                                                             "list_logs",
                                                             "complete",
                                                             "abort",
                                                             "end",
                                                             "pre_restore",
                                                             "restore_prepare",
                                                             "restore_locations",
                                                             "restore_register",
                                                             "file_status",
                                                             "restore_complete",
                                                             "post_restore",
                                                             "requestor_gone",
                                                             "writer_answered",
                                                             "writer_gone",
                                                             "writer_returned",
                                                             "component_failed",
                                                             "provider_answered",
                                                             "provider_gone",
                                                             "flushed",
                                                             "journalled",
                                                             "turn_granted",
                                                             "turn_refused",
                                                             "phase_timeout",
                                                             "commit_timeout",
                                                             "hold_timeout",
                                                             "call_timeout",
                                                             "start_timeout",
                                                             "suspended",
                                                             "settled"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace stillframe::machine

// The verbs a coordinator may say to a writer. Numbers and names cross the wire and the C ABI and
// never change.
#pragma once

#include <cstdint>
#include <string_view>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

enum class Verb : std::uint8_t {
  identify = 1,
  prepare_backup = 2,
  prepare_snapshot = 3,
  freeze = 4,
  thaw = 5,
  post_snapshot = 6,
  backup_complete = 7,
  abort = 8,
  shutdown = 9,
  open_stream = 10,
  read = 11,
  close = 12,
  list_logs = 13,
  truncate_logs = 14,
  pre_restore = 15,
  restore_prepare = 16,
  restore_locations = 17,
  restore_register = 18,
  restore_complete = 19,
  post_restore = 20,
  restore_end = 21,
  verify = 22,
};
inline constexpr int kVerbs = 22;

std::string_view to_string(Verb verb) noexcept;
Result<Verb> parse_verb(std::string_view name);

// The capability a writer must have for `verb`; identify, prepare_backup, backup_complete, abort
// and shutdown need none and answer an empty mask.
Capabilities required_capability(Verb verb) noexcept;

}  // namespace stillframe

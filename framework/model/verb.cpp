#include "framework/model/verb.hpp"

#include <optional>

namespace stillframe {
namespace {

struct VerbRow {
  Verb verb;
  std::string_view name;
  std::optional<Capability> needs;
};

constexpr VerbRow kRows[] = {
    {Verb::identify, "identify", {}},
    {Verb::prepare_backup, "prepare_backup", {}},
    {Verb::prepare_snapshot, "prepare_snapshot", Capability::snapshot},
    {Verb::freeze, "freeze", Capability::snapshot},
    {Verb::thaw, "thaw", Capability::snapshot},
    {Verb::post_snapshot, "post_snapshot", Capability::snapshot},
    {Verb::backup_complete, "backup_complete", {}},
    {Verb::abort, "abort", {}},
    {Verb::shutdown, "shutdown", {}},
    {Verb::open_stream, "open_stream", Capability::streaming},
    {Verb::read, "read", Capability::streaming},
    {Verb::close, "close", Capability::streaming},
    {Verb::list_logs, "list_logs", Capability::logs},
    {Verb::truncate_logs, "truncate_logs", Capability::logs},
    {Verb::pre_restore, "pre_restore", Capability::restore_events},
    {Verb::restore_prepare, "restore_prepare", Capability::staged_restore},
    {Verb::restore_locations, "restore_locations", Capability::staged_restore},
    {Verb::restore_register, "restore_register", Capability::staged_restore},
    {Verb::restore_complete, "restore_complete", Capability::staged_restore},
    {Verb::post_restore, "post_restore", Capability::restore_events},
    {Verb::restore_end, "restore_end", Capability::restore_events},
    {Verb::verify, "verify", Capability::verify},
};
static_assert(std::size(kRows) == kVerbs);

const VerbRow* row_of(Verb verb) noexcept {
  const auto index = static_cast<std::size_t>(verb) - 1;
  return index < std::size(kRows) ? &kRows[index] : nullptr;
}

}  // namespace

std::string_view to_string(Verb verb) noexcept {
  const VerbRow* row = row_of(verb);
  return row != nullptr ? row->name : "unknown";
}

Result<Verb> parse_verb(std::string_view name) {
  for (const VerbRow& row : kRows) {
    if (row.name == name) return row.verb;
  }
  constexpr std::size_t kShownBytesMax = 40;
  return Error(Errc::invalid_argument,
               "'" + std::string(name.substr(0, kShownBytesMax)) + "' is no verb a writer knows");
}

Capabilities required_capability(Verb verb) noexcept {
  Capabilities none{0};
  const VerbRow* row = row_of(verb);
  if (row == nullptr || !row->needs) return none;
  return none.add(*row->needs);
}

}  // namespace stillframe

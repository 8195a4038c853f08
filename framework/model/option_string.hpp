// Restore options as one string: `"name"="value"` items, separated by commas; `"Sub/Path":` before
// an item limits it to that subcomponent and what lies beneath it. Inside quotes `\"` and `\\`
// stand for the quote and the backslash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe {

struct RestoreOption {
  std::string subcomponent;  // beneath the component the string belongs to; empty: all of it
  std::string name;
  std::string value;  // the writer's business
  friend bool operator==(const RestoreOption&, const RestoreOption&) = default;
};

// Names that several writers share.
inline constexpr std::string_view kAuthoritativeOption = "Authoritative";  // `All`, or `Item:...`
inline constexpr std::string_view kRollForwardOption = "Roll Forward";     // `None`, `All`,
                                                                           // `Partial:point`
inline constexpr std::string_view kNewComponentNameOption = "New Component Name";
// The folder of a backup set: given once for each set of the chain, the newest first, when files
// are chosen, so that a writer on the same machine can read more of them than what comes back.
inline constexpr std::string_view kBackupOption = "Backup";

// Spaces and tabs between the parts are skipped; an empty string has no options. invalid_argument
// says where it stops making sense.
Result<std::vector<RestoreOption>> parse_restore_options(std::string_view text);
std::string format_restore_options(const std::vector<RestoreOption>& options);

// The values of `name` that hold for `subcomponent` (empty: the component itself), in order. Names
// of options and components are compared without regard to ASCII case.
std::vector<std::string> option_values(const std::vector<RestoreOption>& options,
                                       std::string_view name, std::string_view subcomponent = {});

}  // namespace stillframe

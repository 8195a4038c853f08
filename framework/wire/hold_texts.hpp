// What is said while writers are held, in the very bytes that the general codec makes of it,
// without the tree that it builds: everybody stands still for as long as this takes. Whatever looks
// only a little different has no such text, and is left to the general codec.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "framework/wire/call_fields.hpp"

namespace stillframe::wire {

// Calls of freeze and thaw. Empty for every other verb.
std::string hold_call_text(const CallHead& call);
std::optional<CallHead> read_hold_call(std::string_view text);

// Answers to thaw that state an unbroken hold. Empty for every other statement.
std::string hold_answer_text(const HoldStatement& statement);
std::optional<HoldStatement> read_hold_answer(std::string_view text);

}  // namespace stillframe::wire

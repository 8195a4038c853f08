// Environment variables in the paths of file sets: those of the writer's process, not ours.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::coordinator {

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Replaces ${NAME} and $NAME (letters, digits, underscore; no digit first), and $$ by one dollar
// sign. A dollar sign that begins none of these stays. not_found names the variable that is not
// set; limit_reached a path that grew too long.
Result<BytePath> expand_environment(const BytePath& path, const EnvironmentLookup& lookup);

// The environment process `pid` was started with, read now; what cannot be read is empty.
EnvironmentLookup environment_of(std::int64_t pid);

}  // namespace stillframe::coordinator

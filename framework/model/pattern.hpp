// File name patterns: `?` is one byte, `*` any number of bytes, everything else itself.
#pragma once

#include <string_view>

namespace stillframe {

// At most pattern.size() * name.size() steps, whatever the pattern.
bool matches_pattern(std::string_view pattern, std::string_view name) noexcept;

// Without ? and *: the name of one file, which must exist.
inline bool is_literal(std::string_view pattern) noexcept {
  return pattern.find_first_of("?*") == std::string_view::npos;
}

// Whether some name matches both.
bool patterns_overlap(std::string_view a, std::string_view b);

}  // namespace stillframe

#include "framework/model/pattern.hpp"

#include <vector>

namespace stillframe {

// Only the last star needs to be remembered: if the rest fits nowhere after it, an earlier star
// that takes more cannot help, because the later one can take the same.
bool matches_pattern(std::string_view pattern, std::string_view name) noexcept {
  std::size_t p = 0, n = 0;
  std::size_t star = std::string_view::npos, star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Walks both patterns at once: reachable[j] says whether some text matches the beginning of `a`
// read so far and the first j bytes of `b`.
bool patterns_overlap(std::string_view a, std::string_view b) {
  std::vector<bool> reachable(b.size() + 1, false);
  reachable[0] = true;
  for (std::size_t j = 0; j < b.size() && b[j] == '*'; ++j) reachable[j + 1] = true;
  for (const char c : a) {
    std::vector<bool> next(b.size() + 1, false);
    next[0] = c == '*' && reachable[0];
    for (std::size_t j = 0; j < b.size(); ++j) {
      // A star of either stands for nothing, or takes in what the other says here.
      next[j + 1] = b[j] == '*' || c == '*'
                        ? reachable[j + 1] || next[j]
                        : reachable[j] && (c == '?' || b[j] == '?' || c == b[j]);
    }
    reachable = std::move(next);
  }
  return reachable[b.size()];
}

}  // namespace stillframe

#include "framework/model/path_text.hpp"

#include "framework/base/check.hpp"

namespace stillframe {

BytePath trim_slashes(std::string_view path) {
  BytePath out;
  out.reserve(path.size());
  for (char c : path) {
    if (c == '/' && !out.empty() && out.back() == '/') continue;
    out += c;
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

bool is_plain_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool is_plain_absolute(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/') return false;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto slash = path.find('/');
    const auto element = path.substr(0, slash);
    // Doubled and trailing slashes change nothing, so empty elements are fine.
    if (!element.empty() && !is_plain_name(element)) return false;
    path.remove_prefix(element.size());
  }
  return true;
}

bool is_beneath_or_equal(std::string_view path, std::string_view directory) {
  const BytePath p = trim_slashes(path), d = trim_slashes(directory);
  if (d == "/") return !p.empty() && p.front() == '/';
  if (d.empty() || p.compare(0, d.size(), d) != 0) return false;
  return p.size() == d.size() || p[d.size()] == '/';
}

BytePath path_relative_to(std::string_view path, std::string_view directory) {
  STILLFRAME_DCHECK(is_beneath_or_equal(path, directory), "asked for a path that is elsewhere");
  const BytePath p = trim_slashes(path), d = trim_slashes(directory);
  if (p.size() <= d.size()) return {};
  return p.substr(d == "/" ? 1 : d.size() + 1);
}

}  // namespace stillframe

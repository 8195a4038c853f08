#include "framework/base/path.hpp"

namespace stillframe {

BytePath parent_path(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : BytePath(path.substr(0, slash));
}

BytePath last_component(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  return BytePath(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

BytePath join_path(std::string_view base, std::string_view below) {
  while (!below.empty() && below.front() == '/') below.remove_prefix(1);
  if (below.empty()) return BytePath(base);
  BytePath joined(base);
  if (!joined.empty() && joined.back() != '/') joined += '/';
  return joined.append(below);
}

BytePath tidy_path(std::string_view path) {
  BytePath tidy;
  const bool absolute = !path.empty() && path.front() == '/';
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name.empty() || name == ".") continue;
    if (absolute || !tidy.empty()) tidy += '/';
    tidy += name;
  }
  if (tidy.empty()) return absolute ? "/" : ".";
  return tidy;
}

std::string quoted_path(const BytePath& path) {
  return "'" + escape_path(path) + "'";
}

bool is_within(std::string_view path, std::string_view directory) {
  return path_below(path, directory).has_value();
}

std::optional<BytePath> path_below(std::string_view path, std::string_view directory) {
  if (directory == "/" && !path.empty() && path.front() == '/') return BytePath(path.substr(1));
  if (path.substr(0, directory.size()) != directory) return std::nullopt;
  path.remove_prefix(directory.size());
  if (path.empty()) return BytePath();
  if (path.front() != '/') return std::nullopt;
  return BytePath(path.substr(1));
}

bool is_safe_relative(std::string_view path) {
  if (path.empty()) return true;
  if (path.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    auto slash = path.find('/', at);
    if (slash == std::string_view::npos) slash = path.size();
    const auto name = path.substr(at, slash - at);
    if (name.empty() || name == "." || name == "..") return false;
    at = slash + 1;
  }
  return true;
}

}  // namespace stillframe

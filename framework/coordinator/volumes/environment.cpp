#include "framework/coordinator/volumes/environment.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

namespace stillframe::coordinator {
namespace {

bool may_begin_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool may_continue_name(char c) {
  return may_begin_name(c) || (c >= '0' && c <= '9');
}

struct Reference {
  std::string name;       // empty: the dollar sign stands for itself
  std::size_t bytes = 1;  // of the path that it takes up
};

Reference reference_at(const BytePath& path, std::size_t dollar) {
  if (dollar + 1 < path.size() && path[dollar + 1] == '$') return {"", 2};
  const bool braces = dollar + 1 < path.size() && path[dollar + 1] == '{';
  std::size_t end = dollar + (braces ? 2 : 1);
  const std::size_t begin = end;
  if (end >= path.size() || !may_begin_name(path[end])) return {};
  while (end < path.size() && may_continue_name(path[end])) ++end;
  if (braces && (end >= path.size() || path[end] != '}')) return {};
  return {path.substr(begin, end - begin), end - dollar + (braces ? 1 : 0)};
}

}  // namespace

Result<BytePath> expand_environment(const BytePath& path, const EnvironmentLookup& lookup) {
  BytePath expanded;
  for (std::size_t i = 0; i < path.size();) {
    const Reference reference = path[i] == '$' ? reference_at(path, i) : Reference{};
    if (reference.name.empty()) {
      expanded += path[i];
      i += reference.bytes;
      continue;
    }
    const auto value = lookup(reference.name);
    if (!value)
      return Error(Errc::not_found, "path " + escape_path(path) +
                                        ": the writer's environment has no " + reference.name);
    expanded += *value;
    i += reference.bytes;
  }
  if (expanded.size() > kBytePathBytesMax)
    return Error(Errc::limit_reached, "path " + escape_path(path) + " is longer than " +
                                          std::to_string(kBytePathBytesMax) +
                                          " bytes once its variables are replaced");
  return expanded;
}

EnvironmentLookup environment_of(std::int64_t pid) {
  auto variables = std::make_shared<std::map<std::string, std::string>>();
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    const std::string entry = text.substr(at, end - at);
    if (const auto equals = entry.find('='); equals != std::string::npos)
      variables->emplace(entry.substr(0, equals), entry.substr(equals + 1));
    at = end + 1;
  }
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto variable = variables->find(name);
    if (variable == variables->end()) return std::nullopt;
    return variable->second;
  };
}

}  // namespace stillframe::coordinator

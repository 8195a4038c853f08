#include "framework/model/environment.hpp"

#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

bool starts_name(char c) noexcept {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool continues_name(char c) noexcept {
  return starts_name(c) || (c >= '0' && c <= '9');
}

Error refused(const BytePath& path, Errc code, const std::string& why) {
  return {code, "path '" + escape_path(path) + "': " + why};
}

struct Variable {
  std::string name;     // empty: `$$`
  std::size_t end = 0;  // behind it
};

// The variable that the dollar sign at `at` begins.
Result<Variable> read_variable(const BytePath& path, std::size_t at) {
  if (at + 1 < path.size() && path[at + 1] == '$') return Variable{"", at + 2};
  const bool braced = at + 1 < path.size() && path[at + 1] == '{';
  const std::size_t begin = at + (braced ? 2 : 1);
  std::size_t end = begin;
  if (end < path.size() && starts_name(path[end])) {
    while (end < path.size() && continues_name(path[end])) ++end;
  }
  const bool closed = !braced || (end < path.size() && path[end] == '}');
  if (end == begin || !closed) {
    return refused(path, Errc::invalid_argument,
                   "a dollar sign must begin $NAME or ${NAME}; write $$ for the sign itself");
  }
  return Variable{path.substr(begin, end - begin), end + (braced ? 1 : 0)};
}

}  // namespace

Result<BytePath> expand_path(const BytePath& path, const Environment& environment) {
  BytePath out;
  for (std::size_t at = 0; at < path.size();) {
    if (path[at] != '$') {
      out += path[at++];
      continue;
    }
    auto variable = read_variable(path, at);
    if (!variable.ok()) return variable.error();
    at = variable.value().end;
    if (variable.value().name.empty()) {
      out += '$';
      continue;
    }
    const auto value = environment.find(variable.value().name);
    if (value == environment.end()) {
      return refused(path, Errc::not_found,
                     "variable " + variable.value().name + " is not set for its writer");
    }
    out += value->second;
  }
  if (!is_plain_absolute(out)) {
    return refused(
        path, Errc::invalid_argument,
        "'" + escape_path(out.substr(0, 200)) + "' is not absolute, or has a '.' or '..' in it");
  }
  out = trim_slashes(out);
  if (out.size() > kBytePathBytesMax) {
    return refused(path, Errc::invalid_argument, "is longer than a path can be");
  }
  return out;
}

}  // namespace stillframe

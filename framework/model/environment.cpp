#include "framework/model/environment.hpp"

#include <vector>

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

struct Reference {
  std::string name;       // empty: a dollar sign that stands for itself
  std::size_t bytes = 1;  // of the path that it takes up
};

// What the dollar sign at `dollar` begins.
Reference reference_at(const BytePath& path, std::size_t dollar) {
  const std::size_t next = dollar + 1;
  if (next < path.size() && path[next] == '$') return {"", 2};
  const bool braces = next < path.size() && path[next] == '{';
  const std::size_t begin = next + (braces ? 1 : 0);
  std::size_t end = begin;
  if (end >= path.size() || !starts_name(path[end])) return {};
  while (end < path.size() && continues_name(path[end])) ++end;
  if (braces && (end >= path.size() || path[end] != '}')) return {};
  return {path.substr(begin, end - begin), end - dollar + (braces ? 1 : 0)};
}

Status expand_in_place(BytePath& path, const Environment& environment) {
  auto place = expand_path(path, environment);
  if (!place.ok()) return place.error();
  path = literal_path(place.value());
  return Ok{};
}

}  // namespace

BytePath literal_path(const BytePath& place) {
  BytePath out;
  for (char c : place) {
    out += c;
    if (c == '$') out += c;
  }
  return out;
}

Result<BytePath> expand_path(const BytePath& path, const Environment& environment) {
  BytePath out;
  for (std::size_t at = 0; at < path.size();) {
    if (path[at] != '$') {
      out += path[at++];
      continue;
    }
    const Reference reference = reference_at(path, at);
    at += reference.bytes;
    if (reference.name.empty()) {
      out += '$';
      continue;
    }
    const auto value = environment.find(reference.name);
    if (value == environment.end()) {
      return refused(path, Errc::not_found,
                     "variable " + reference.name + " is not set for its writer");
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

Status expand_metadata_paths(WriterMetadata& metadata, const Environment& environment) {
  std::vector<BytePath*> paths;
  for (Component& component : metadata.components) {
    for (FileSet& files : component.files) {
      paths.push_back(&files.path);
      if (files.alternate_path) paths.push_back(&*files.alternate_path);
    }
  }
  for (auto* list : {&metadata.exclude, &metadata.exclude_from_snapshot}) {
    for (ExcludedFiles& excluded : *list) paths.push_back(&excluded.path);
  }
  for (AlternateMapping& mapping : metadata.alternate_mappings) {
    paths.push_back(&mapping.path);
    paths.push_back(&mapping.destination);
  }
  for (BytePath* path : paths) {
    if (Status s = expand_in_place(*path, environment); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe

#include "framework/model/exclude_list.hpp"

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kEveryHome = "EVERY_HOME", kEveryVolume = "EVERY_VOLUME";

std::string_view trimmed(std::string_view line) {
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

bool begins_with_variable(const BytePath& path, std::string_view name) {
  const std::string reference = "${" + std::string(name) + "}";
  return path == reference || path.starts_with(reference + "/");
}

// One line, with its variable still in it.
Result<ExcludedFiles> parse_line(std::string_view line) {
  auto path = unescape_path(line);
  if (!path.ok()) return path.error();
  ExcludedFiles excluded;
  excluded.pattern = last_component(path.value());
  excluded.path = parent_path(path.value());
  if (last_component(excluded.path) == "**") {
    excluded.recursive = true;
    excluded.path = parent_path(excluded.path);
  }
  if (excluded.pattern == "**") {
    return Error(Errc::invalid_argument, "'**' stands for directories; end the line with '**/*'");
  }
  if (!is_plain_name(excluded.pattern) || path.value().ends_with('/')) {
    return Error(Errc::invalid_argument, "does not end in the name or pattern of files");
  }
  if (excluded.path.find_first_of("*?") != BytePath::npos) {
    return Error(Errc::invalid_argument, "only its last element may hold ? and *");
  }
  return excluded;
}

class Reader {
 public:
  explicit Reader(const MachinePlaces& places) : places_(places) {}

  Status add(std::string_view line) {
    auto excluded = parse_line(line);
    if (!excluded.ok()) return excluded.error();
    const BytePath& path = excluded.value().path;
    if (begins_with_variable(path, kEveryHome)) {
      return add_each(excluded.value(), kEveryHome, places_.homes);
    }
    if (begins_with_variable(path, kEveryVolume)) {
      return add_each(excluded.value(), kEveryVolume, places_.volumes);
    }
    return add_one(excluded.value(), {});
  }

  std::vector<ExcludedFiles> take() { return std::move(list_); }

 private:
  Status add_each(const ExcludedFiles& excluded, std::string_view variable,
                  const std::vector<BytePath>& places) {
    for (const BytePath& place : places) {
      Status added = add_one(excluded, {{std::string(variable), place}});
      if (!added.ok()) return added;
    }
    return Ok{};
  }

  Status add_one(ExcludedFiles excluded, const Environment& environment) {
    auto path = expand_path(excluded.path, environment);
    if (!path.ok()) return path.error();
    if (list_.size() == kExcludeListEntriesMax) {
      return Error(Errc::limit_reached, "more than " + std::to_string(kExcludeListEntriesMax) +
                                            " places; use patterns and '**'");
    }
    excluded.path = literal_path(path.value());
    list_.push_back(std::move(excluded));
    return Ok{};
  }

  const MachinePlaces& places_;
  std::vector<ExcludedFiles> list_;
};

}  // namespace

Result<std::vector<ExcludedFiles>> parse_exclude_list(std::string_view text, std::string_view list,
                                                      const MachinePlaces& places) {
  Reader reader(places);
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (Status s = reader.add(line); !s.ok()) {
      const std::string where = escape_path(list) + ":" + std::to_string(number);
      // A variable nobody set is a mistake in the list like any other.
      const Errc code =
          s.error().code() == Errc::limit_reached ? Errc::limit_reached : Errc::invalid_argument;
      return Error(code, where + ": " + s.error().what());
    }
  }
  return reader.take();
}

}  // namespace stillframe

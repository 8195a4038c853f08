#include "writers/dedup/engine/job_history.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "framework/base/byte_text.hpp"
#include "framework/base/config.hpp"
#include "writers/dedup/engine/volume_settings.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

JobRecord read_record(ConfigTable table) {
  JobRecord record;
  record.started_ns = table.number("started_ns", 0, 0, kTimeMax);
  record.ended_ns = table.number("ended_ns", 0, 0, kTimeMax);
  record.result = static_cast<int>(table.number("result", 0, 0, 1000));
  auto message = unescape_bytes(table.text("message"));
  if (!message.ok()) table.reject("message", message.error().what());
  if (message.ok()) record.message = std::move(message).value();
  // A list, because a table would not keep their order.
  for (const std::string& text : table.texts("counts")) {
    const std::size_t space = text.find(' ');
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const char* begin = space == std::string::npos ? end : text.data() + space + 1;
    const auto read = std::from_chars(begin, end, value);
    if (read.ec != std::errc() || read.ptr != end) {
      table.reject("counts", "'" + text + "' is no name with a number");
    } else {
      record.counts.emplace_back(text.substr(0, space), value);
    }
  }
  return record;
}

}  // namespace

std::string_view to_string(JobKind kind) {
  switch (kind) {
    case JobKind::optimization:
      return "optimization";
    case JobKind::garbage_collection:
      return "garbage_collection";
    case JobKind::scrubbing:
      return "scrubbing";
    case JobKind::unoptimization:
      break;
  }
  return "unoptimization";
}

std::uint64_t JobRecord::count(std::string_view name) const {
  const auto found = std::find_if(counts.begin(), counts.end(),
                                  [&](const auto& each) { return each.first == name; });
  return found == counts.end() ? 0 : found->second;
}

std::string format_history(const JobHistory& history) {
  std::string text = "# What each job did last.\n";
  for (const auto& [kind, record] : history) {
    std::string counts;
    for (const auto& [name, value] : record.counts) {
      counts += (counts.empty() ? "" : ", ") + quoted_toml(name + " " + std::to_string(value));
    }
    text += "\n[" + std::string(to_string(kind)) +
            "]\nstarted_ns = " + std::to_string(record.started_ns) +
            "\nended_ns = " + std::to_string(record.ended_ns) +
            "\nresult = " + std::to_string(record.result) +
            "\nmessage = " + quoted_toml(record.message) + "\ncounts = [" + counts + "]\n";
  }
  return text;
}

Result<JobHistory> parse_history(std::string_view text) {
  auto parsed = ConfigTable::parse(text, "the history of the volume's jobs");
  if (!parsed.ok()) return parsed.error();
  JobHistory history;
  for (const JobKind kind : kJobKinds) {
    const std::string name(to_string(kind));
    if (parsed.value().has(name)) history[kind] = read_record(parsed.value().table(name));
  }
  if (Status s = parsed.value().finish(); !s.ok()) return s.error();
  return history;
}

}  // namespace stillframe::dedup

#include <algorithm>
#include <charconv>
#include <optional>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/tool/log_sets.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr std::size_t kShownBytesMax = 32;  // of a part, as text; JSON has all of it

// Which records are wanted. What a record does not have excludes it once it is asked for.
struct Filter {
  std::vector<std::string> types;
  std::optional<std::uint32_t> page;
  std::optional<std::uint16_t> session;

  bool wants(const LogRecord& record) const {
    const std::string name = record_name(record.type());
    if (!types.empty() && std::find(types.begin(), types.end(), name) == types.end()) return false;
    if (!page && !session) return true;
    std::optional<std::uint64_t> its_page, its_session;
    show_record(record.bytes, [&](std::string_view field, const FieldValue& value) {
      const auto* number = std::get_if<std::uint64_t>(&value);
      if (number != nullptr && field == "page") its_page = *number;
      if (number != nullptr && field == "procid") its_session = *number;
    });
    return (!page || its_page == *page) && (!session || its_session == *session);
  }
};

// "9" or "9,9F,6F6", hexadecimal, as positions are shown.
Result<Lgpos> parse_position(std::string_view text) {
  std::uint32_t parts[3] = {0, 0, 0};
  std::size_t count = 0;
  const char *at = text.data(), *end = at + text.size();
  bool more = true;
  for (; more && count < 3; ++count) {
    const auto [behind, failed] = std::from_chars(at, end, parts[count], 16);
    if (failed != std::errc() || behind == at) break;
    more = behind != end && *behind == ',';
    at = behind + (more ? 1 : 0);
  }
  if (at != end || more || parts[0] > INT32_MAX || parts[1] > 0xFFFF || parts[2] > 0xFFFF) {
    return Error(Errc::invalid_argument,
                 "'" + std::string(text) + "' is no position; write one as 9 or 9,9F,6F6");
  }
  return Lgpos{static_cast<std::uint16_t>(parts[2]), static_cast<std::uint16_t>(parts[1]),
               Generation{static_cast<std::int32_t>(parts[0])}};
}

Json value_json(const FieldValue& value) {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return escape_bytes(*text);
  return hex_text(std::get<Bytes>(value));
}

std::string value_text(const FieldValue& value) {
  if (const auto* bytes = std::get_if<Bytes>(&value)) {
    const Bytes shown = bytes->first(std::min(bytes->size(), kShownBytesMax));
    return std::to_string(bytes->size()) + ":" + hex_text(shown) +
           (shown.size() < bytes->size() ? ".." : "");
  }
  const Json json = value_json(value);
  return json.is_string() ? "'" + json.get<std::string>() + "'" : json.dump();
}

std::string line_of(const LogRecord& record, bool json) {
  if (json) {
    Json object{{"at", to_text(record.at)},
                {"type", record_name(record.type())},
                {"bytes", record.bytes.size()}};
    show_record(record.bytes, [&](std::string_view field, const FieldValue& value) {
      object[std::string(field)] = value_json(value);
    });
    return object.dump();
  }
  std::string line = to_text(record.at) + " " + record_name(record.type());
  show_record(record.bytes, [&](std::string_view field, const FieldValue& value) {
    line.append(" ").append(field).append("=").append(value_text(value));
  });
  return line;
}

class LogdumpVerb final : public Verb {
 public:
  const char* name() const override { return "logdump"; }
  const char* summary() const override { return "Show the records of the logs in a folder"; }
  const char* examples() const override {
    return "  esectl logdump .\n"
           "  esectl logdump --from 9,9F,6F6 --to A .\n"
           "  esectl logdump --type Split2 --type Merge2 --page 213 .\n"
           "  esectl logdump --json --session 5 . | jq -c .type";
  }
  void describe(CLI::App& command) override {
    command.add_option("folder", folder_, "The folder with the logs")->required();
    command.add_option("--base", base_, "The sequence with this base name, such as edb");
    command.add_option("--from", from_, "The first position: generation,segment,offset in hex");
    command.add_option("--to", to_, "The position to stop before");
    command.add_option("--type", filter_.types, "Only records of this type; may be repeated");
    command.add_option("--page", filter_.page, "Only records of this page");
    command.add_option("--session", filter_.session, "Only records of this session");
  }

  Result<Exit> run(Output& output) override {
    for (const std::string& type : filter_.types) {
      if (record_kind(type) == nullptr) {
        return Error(Errc::invalid_argument, "there is no record type '" + type +
                                                 "'; docs/formats/log-records.md lists them");
      }
    }
    auto from = from_.empty() ? Result<Lgpos>(Lgpos{}) : parse_position(from_);
    if (!from.ok()) return from.error();
    auto to = to_.empty() ? Result<Lgpos>(Lgpos{0xFFFF, 0xFFFF, Generation{INT32_MAX}})
                          : parse_position(to_);
    if (!to.ok()) return to.error();
    auto sets = open_log_sets(folder_, base_);
    if (!sets.ok()) return sets.error();
    for (const LogSet& set : sets.value()) {
      for (const LogRun& run : log_runs(set)) {
        if (Status s = dump(set, run, from.value(), to.value(), output); !s.ok()) return s.error();
      }
    }
    return Exit::ok;
  }

 private:
  Status dump(const LogSet& set, LogRun run, Lgpos from, Lgpos to, Output& output) {
    if (run.last < from.generation || run.first > to.generation) return Ok{};
    run.first = std::max(run.first, from.generation);
    LogReader reader([&](Generation g, bool last) { return set.open(g, last); }, run.first,
                     run.last, from);
    for (;;) {
      auto record = reader.next();
      if (!record.ok()) return record.error();
      if (!record.value() || record.value()->at >= to) return Ok{};
      if (filter_.wants(*record.value())) output.line(line_of(*record.value(), output.json()));
    }
  }

  std::string folder_, base_, from_, to_;
  Filter filter_;
};

}  // namespace

std::unique_ptr<Verb> make_logdump_verb() {
  return std::make_unique<LogdumpVerb>();
}

}  // namespace stillframe::ese::tool

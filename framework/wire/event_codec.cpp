#include "framework/wire/event_codec.hpp"

#include "framework/wire/requestor_codec.hpp"

namespace stillframe {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kQueryLimitMax = 1'000;

// Reads members and remembers the first one that is missing or of another type.
class Members {
 public:
  Members(const json& object, const char* of) : object_(object), of_(of) {
    if (!object.is_object()) problem_ = std::string(of) + " is no JSON object";
  }
  std::uint64_t number(const char* name) {
    return read<std::uint64_t>(name, &json::is_number_unsigned);
  }
  std::int64_t integer(const char* name) {
    return read<std::int64_t>(name, &json::is_number_integer);
  }
  std::string text(const char* name) { return read<std::string>(name, &json::is_string); }
  bool flag(const char* name) { return read<bool>(name, &json::is_boolean); }
  const json* list(const char* name) {
    const auto found = object_.is_object() ? object_.find(name) : object_.end();
    if (object_.is_object() && found != object_.end() && found->is_array()) return &*found;
    complain(name);
    return nullptr;
  }
  bool has(const char* name) const { return object_.is_object() && object_.contains(name); }
  void complain(const std::string& name) {
    if (problem_.empty()) problem_ = std::string(of_) + ": '" + name + "' is missing or wrong";
  }
  Status check(Errc code) const {
    if (problem_.empty()) return Ok{};
    return Error(code, problem_);
  }

 private:
  template <class T>
  T read(const char* name, bool (json::*is_type)() const noexcept) {
    if (!object_.is_object()) return T{};
    const auto found = object_.find(name);
    if (found == object_.end() || !((*found).*is_type)()) return complain(name), T{};
    return found->get<T>();
  }

  const json& object_;
  const char* const of_;
  std::string problem_;
};

EventLevel level_from(const std::string& name, Members& members) {
  for (const EventLevel level : {EventLevel::info, EventLevel::warning, EventLevel::error})
    if (to_string(level) == name) return level;
  members.complain("level");
  return EventLevel::error;
}

}  // namespace

ordered_json event_to_json(const NumberedEvent& event) {
  const EventRecord& record = event.record;
  return {{"seq", event.sequence},
          {"event_id", record.id},
          {"source", record.source},
          {"level", std::string(to_string(record.level))},
          {"message", record.message},
          {"fields", record.fields},
          {"when", record.when.since_epoch().count()}};
}

Result<NumberedEvent> event_from_json(const json& value) {
  Members members(value, "event");
  NumberedEvent event;
  event.sequence = members.number("seq");
  event.record.id = static_cast<int>(members.integer("event_id"));
  event.record.source = members.text("source");
  event.record.level = level_from(members.text("level"), members);
  event.record.message = members.text("message");
  event.record.when = WallTime(Duration(members.integer("when")));
  if (members.has("fields") && value["fields"].is_object()) {
    for (const auto& [name, field] : value["fields"].items())
      if (field.is_string()) event.record.fields[name] = field.get<std::string>();
  }
  if (Status s = members.check(Errc::corrupt); !s.ok()) return s.error();
  return event;
}

json query_to_json(const EventQuery& query) {
  json value{{"limit", query.limit}, {"level", std::string(to_string(query.level))}};
  if (query.after) value["after"] = *query.after;
  if (!query.session.empty()) value["session"] = query.session;
  return value;
}

Result<EventQuery> query_from_json(const json& value) {
  Members members(value, "events");
  EventQuery query;
  if (members.has("after")) query.after = members.number("after");
  if (members.has("limit")) query.limit = members.number("limit");
  if (members.has("level")) query.level = level_from(members.text("level"), members);
  if (members.has("session")) query.session = members.text("session");
  if (query.limit == 0 || query.limit > kQueryLimitMax) members.complain("limit (1 to 1000)");
  if (Status s = members.check(Errc::invalid_argument); !s.ok()) return s.error();
  return query;
}

ordered_json page_to_json(const EventPage& page) {
  ordered_json events = ordered_json::array();
  for (const NumberedEvent& event : page.events) events.push_back(event_to_json(event));
  ordered_json value = ordered_json::object();
  value["events"] = std::move(events);
  value["lost"] = page.lost;
  value["next"] = page.next;
  return value;
}

Result<EventPage> page_from_json(const json& value) {
  Members members(value, "events");
  EventPage page;
  page.lost = members.number("lost");
  page.next = members.number("next");
  if (const json* events = members.list("events")) {
    for (const json& each : *events) {
      auto event = event_from_json(each);
      if (!event.ok()) return event.error();
      page.events.push_back(std::move(event).value());
    }
  }
  if (Status s = members.check(Errc::corrupt); !s.ok()) return s.error();
  return page;
}

json status_to_json(const DaemonStatus& status) {
  json value{{"version", status.version},
             {"since", status.since.since_epoch().count()},
             {"pid", status.pid},
             {"in_quiesce", status.in_quiesce},
             {"logs", json::array()}};
  value["sessions"] = encode_json(status.sessions);
  for (const EventLogState& log : status.logs)
    value["logs"].push_back({{"name", log.name},
                             {"written", log.written},
                             {"lost", log.lost},
                             {"failing", log.failing}});
  return value;
}

Result<DaemonStatus> status_from_json(const json& value) {
  Members members(value, "status");
  DaemonStatus status;
  status.version = members.text("version");
  status.since = WallTime(Duration(members.integer("since")));
  status.pid = members.integer("pid");
  status.in_quiesce = members.flag("in_quiesce");
  if (const json* sessions = members.list("sessions")) {
    auto decoded = decode_json<std::vector<SessionInfo>>(*sessions, "sessions");
    if (!decoded.ok()) return decoded.error();
    status.sessions = std::move(decoded).value();
  }
  if (const json* logs = members.list("logs")) {
    for (const json& each : *logs) {
      Members log(each, "log");
      status.logs.push_back(
          {log.text("name"), log.number("written"), log.number("lost"), log.text("failing")});
      if (Status s = log.check(Errc::corrupt); !s.ok()) return s.error();
    }
  }
  if (Status s = members.check(Errc::corrupt); !s.ok()) return s.error();
  return status;
}

}  // namespace stillframe

// Events and what is asked about them as JSON. docs/protocol.md lists the methods.
#pragma once

#include <nlohmann/json.hpp>

#include <stillframe/requestor.hpp>

namespace stillframe {

// {"seq":..,"event_id":..,"source":..,"level":..,"message":..,"fields":{..},"when":..}: as it
// stands in logs and replies. Dump it with error_handler_t::replace: a message may quote any bytes.
nlohmann::ordered_json event_to_json(const NumberedEvent& event);
Result<NumberedEvent> event_from_json(const nlohmann::json& json);

// {"after":..,"limit":..,"level":..,"session":..}; invalid_argument names what is wrong.
nlohmann::json query_to_json(const EventQuery& query);
Result<EventQuery> query_from_json(const nlohmann::json& json);

// {"events":[..],"lost":..,"next":..}
nlohmann::ordered_json page_to_json(const EventPage& page);
Result<EventPage> page_from_json(const nlohmann::json& json);

// {"version":..,"since":..,"pid":..,"in_quiesce":..,"sessions":[..],"logs":[..]}
nlohmann::json status_to_json(const DaemonStatus& status);
Result<DaemonStatus> status_from_json(const nlohmann::json& json);

}  // namespace stillframe

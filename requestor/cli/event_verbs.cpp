// events and status: what a daemon remembers, and how it is.
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "framework/wire/event_codec.hpp"
#include "requestor/cli/context.hpp"
#include "requestor/cli/event_text.hpp"

namespace stillframe::cli {
namespace {

constexpr std::size_t kPageEvents = 1'000;
constexpr std::chrono::milliseconds kLookAround{200};
constexpr int kLooksPerQuestion = 10;

bool chosen(const NumberedEvent& event, const EventVerbOptions& options) {
  if (event.record.level < options.level) return false;
  if (options.session.empty()) return true;
  const auto session = event.record.fields.find("session");
  return session != event.record.fields.end() && session->second == options.session;
}

void print_event(Terminal& terminal, const NumberedEvent& event) {
  terminal.print(terminal.json() ? event_json_line(event) : event_line(event));
}

void print_lost(Terminal& terminal, std::uint64_t lost) {
  if (lost > 0)
    terminal.warning(fmt::format("{} events are gone: newer ones took their place", lost));
}

// Prints what comes until it is interrupted or the daemon goes.
int follow(Context& context, Connected& connected, std::uint64_t after) {
  const EventVerbOptions& options = context.invocation.events;
  const Status following = connected.client.follow_events(after, [&](const EventPage& page) {
    print_lost(context.terminal, page.lost);
    for (const NumberedEvent& event : page.events)
      if (chosen(event, options)) print_event(context.terminal, event);
  });
  if (!following.ok()) return context.terminal.fail(following.error());
  const Status ended = until_interrupted(context, connected.client, [] {});
  return ended.ok() ? to_int(Exit::ok) : context.terminal.fail(ended.error());
}

}  // namespace

Status until_interrupted(Context& context, Client& client, const std::function<void()>& look) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  for (int looks = 0; !context.stop.stop_requested(); ++looks) {
    changed.wait_for(lock, context.stop, kLookAround, [] { return false; });
    look();
    if (looks % kLooksPerQuestion != 0) continue;
    if (auto alive = client.status(); !alive.ok()) return alive.error();
  }
  return Ok{};
}

int verb_events(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  const EventVerbOptions& options = context.invocation.events;
  EventQuery query;
  query.limit = std::min(options.limit, kPageEvents);
  query.level = options.level;
  query.session = options.session;
  auto page = connected.value().client.events(query);
  if (!page.ok()) return context.terminal.fail(page.error());
  print_lost(context.terminal, page.value().lost);
  for (const NumberedEvent& event : page.value().events) print_event(context.terminal, event);
  if (!options.follow) return to_int(Exit::ok);
  return follow(context, connected.value(), page.value().next);
}

int verb_status(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto status = connected.value().client.status();
  if (!status.ok()) return context.terminal.fail(status.error());
  const DaemonStatus& daemon = status.value();
  if (context.terminal.json()) {
    context.terminal.print_json(status_to_json(daemon));
    return to_int(Exit::ok);
  }
  std::vector<std::vector<std::string>> rows{
      {"VERSION", daemon.version},
      {"PROCESS", std::to_string(daemon.pid)},
      {"SINCE", time_text(daemon.since)},
      {"HOLDS NOW", daemon.in_quiesce ? "yes: writers are held" : "no"},
      {"SESSIONS", std::to_string(daemon.sessions.size())}};
  for (const EventLogState& log : daemon.logs)
    rows.push_back(
        {"LOG", fmt::format("{}: {} written, {} lost{}{}", log.name, log.written, log.lost,
                            log.failing.empty() ? "" : "; failing: ", log.failing)});
  context.terminal.print_table(rows);
  return to_int(Exit::ok);
}

}  // namespace stillframe::cli

// watch: the coordinator as it is, redrawn on a terminal, a line an event elsewhere.
#include <mutex>

#include "requestor/cli/context.hpp"
#include "requestor/cli/event_text.hpp"
#include "requestor/cli/watch_model.hpp"

namespace stillframe::cli {
namespace {

// The channel's thread brings events, the verb's draws.
class Watch {
 public:
  explicit Watch(Context& context) : terminal_(context.terminal) {}

  void take(const EventPage& page) {
    const std::lock_guard lock(mutex_);
    for (const NumberedEvent& event : page.events) {
      model_.note(event);
      if (!terminal_.draws_pictures())
        terminal_.print(terminal_.json() ? event_json_line(event) : event_line(event));
    }
    if (page.lost > 0 && !terminal_.draws_pictures())
      terminal_.warning(std::to_string(page.lost) + " events were not seen");
  }

  void look(Client& client) {
    if (!terminal_.draws_pictures()) return;
    const auto sessions = client.sessions();
    const Terminal::Size size = terminal_.size();
    const std::lock_guard lock(mutex_);
    if (sessions.ok()) model_.set_sessions(sessions.value());
    terminal_.print_picture(model_.draw(system_clock().now(), size.lines, size.columns));
  }

  void set_writers(std::size_t count) {
    const std::lock_guard lock(mutex_);
    model_.set_writers(count);
  }

 private:
  Terminal& terminal_;
  std::mutex mutex_;
  WatchModel model_;
};

}  // namespace

int verb_watch(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  Client& client = connected.value().client;
  EventQuery latest;
  latest.limit = 50;
  auto page = client.events(latest);
  if (!page.ok()) return context.terminal.fail(page.error());
  Watch watch(context);
  watch.take(page.value());
  // After the events of the past, which told of writers that are counted here.
  if (auto writers = client.writers(); writers.ok()) watch.set_writers(writers.value().size());
  const Status following =
      client.follow_events(page.value().next, [&](const EventPage& news) { watch.take(news); });
  if (!following.ok()) return context.terminal.fail(following.error());
  const Status ended = until_interrupted(context, client, [&] { watch.look(client); });
  return ended.ok() ? to_int(Exit::ok) : context.terminal.fail(ended.error());
}

}  // namespace stillframe::cli

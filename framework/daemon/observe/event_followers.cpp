#include "framework/daemon/observe/event_followers.hpp"

#include <algorithm>
#include <system_error>

#include "framework/wire/event_codec.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::size_t kPageEvents = 32;
constexpr std::size_t kPageBytesMax = std::size_t{256} << 10;  // a message may have 1 MiB
constexpr std::chrono::milliseconds kIdle{3'600'000}, kRetry{50};

// As many events as fit a message.
std::size_t fitting(const std::vector<SharedEvent>& events) {
  std::size_t bytes = 0, count = 0;
  for (const SharedEvent& event : events) {
    bytes += memory_of(event->record);
    if (count > 0 && bytes > kPageBytesMax) break;
    ++count;
  }
  return count;
}

std::string text_of(const EventPage& page) {
  nlohmann::ordered_json json = page_to_json(page);
  json["event"] = "records";
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<std::unique_ptr<EventFollowers>> EventFollowers::start(const EventRing& ring) {
  std::unique_ptr<EventFollowers> followers(new EventFollowers(ring));
  try {
    followers->thread_ = std::thread([raw = followers.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return Error(Errc::out_of_resources,
                 std::string("cannot start the followers' thread: ") + error.what());
  }
  return followers;
}

EventFollowers::~EventFollowers() {
  stopping_ = true;
  ring_.wake();
  if (thread_.joinable()) thread_.join();
}

void EventFollowers::add(ConnectionId connection, std::uint64_t after,
                         RequestorHandler::EventPush push) {
  auto follower = std::make_shared<Follower>();
  follower->push = std::move(push);
  follower->place = after;
  {
    const std::lock_guard lock(mutex_);
    followers_[connection] = std::move(follower);
  }
  changed_ = true;
  ring_.wake();
}

void EventFollowers::remove(ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  followers_.erase(connection);
}

std::vector<std::shared_ptr<EventFollowers::Follower>> EventFollowers::followers() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Follower>> all;
  for (const auto& [connection, follower] : followers_) all.push_back(follower);
  return all;
}

void EventFollowers::run() {
  std::uint64_t seen = 0;
  bool some_are_full = false;
  while (!stopping_) {
    ring_.wait(some_are_full ? kRetry : kIdle, [&](std::uint64_t last) {
      return stopping_ || changed_ || (last > seen && !some_are_full);
    });
    changed_ = false;
    seen = ring_.last();
    some_are_full = false;
    for (const auto& follower : followers()) {
      while (!stopping_ && ring_.last() > follower->place && serve(*follower)) {
      }
      some_are_full = some_are_full || ring_.last() > follower->place;
    }
  }
}

// One page; false when the follower did not take it.
bool EventFollowers::serve(Follower& follower) const {
  const EventRing::Page found = ring_.after(follower.place, kPageEvents);
  EventPage page;
  page.lost = found.lost;
  const std::size_t count = fitting(found.events);
  for (std::size_t i = 0; i < count; ++i) page.events.push_back(*found.events[i]);
  page.next = page.events.empty() ? found.next : page.events.back().sequence;
  if (!follower.push(text_of(page))) return false;
  follower.place = page.next;
  return true;
}

}  // namespace stillframe::daemon

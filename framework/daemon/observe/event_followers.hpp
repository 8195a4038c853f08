// Sends events to requestors as they happen.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "framework/daemon/observe/event_ring.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

// One thread for all followers. Each has its own place in the ring: one that does not read is tried
// again until the ring has moved on, and is then told how many events it lost.
class EventFollowers {
 public:
  static Result<std::unique_ptr<EventFollowers>> start(const EventRing& ring);
  ~EventFollowers();

  // Pushes {"event":"records","events":[..],"lost":..,"next":..} from the event after `after` on. A
  // connection that follows already goes on from there.
  void add(ConnectionId connection, std::uint64_t after, RequestorHandler::EventPush push);
  void remove(ConnectionId connection);

 private:
  struct Follower {
    RequestorHandler::EventPush push;
    std::uint64_t place = 0;  // the thread's, from add() on
  };

  explicit EventFollowers(const EventRing& ring) : ring_(ring) {}
  void run();
  bool serve(Follower& follower) const;
  std::vector<std::shared_ptr<Follower>> followers() const;

  const EventRing& ring_;
  mutable std::mutex mutex_;
  std::map<ConnectionId, std::shared_ptr<Follower>> followers_;  // shared with the round under way
  std::atomic<bool> changed_{false}, stopping_{false};
  std::thread thread_;
};

}  // namespace stillframe::daemon

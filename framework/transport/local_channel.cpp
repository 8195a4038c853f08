// connect_locally(): a RequestorChannel to a handler in the same process.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "framework/transport/requestor_server.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kEventsWaitingMax = 1024;

// What replies and events still to come share with the channel, which may be gone by then.
struct Waiting {
  std::condition_variable changed;
  bool answered = false;
  Result<ChannelReply> reply;
};

// Each thread that waits has a condition of its own, and is told with the mutex free: an event of a
// hold would wake the caller, too, to find the mutex taken.
struct Shared {
  std::mutex mutex;
  std::condition_variable something_to_tell;
  bool closed = false;
  RequestorChannel::EventHandler on_event;
  std::deque<std::string> events;
  std::set<std::shared_ptr<Waiting>> calls;
};

// Connection ids of local channels count down from the top, those of a socket server up from 1.
ConnectionId next_local_connection() {
  static std::atomic<std::uint64_t> last{~std::uint64_t{0}};
  return ConnectionId{last--};
}

class LocalChannel : public RequestorChannel {
 public:
  LocalChannel(RequestorHandler& handler, std::string name)
      : handler_(handler), connection_(next_local_connection()) {
    opened_ = handler_.connection_opened({connection_, own_credentials(), std::move(name)},
                                         [weak = std::weak_ptr(shared_)](std::string event) {
                                           auto shared = weak.lock();
                                           return shared ? push(*shared, std::move(event)) : true;
                                         });
  }

  ~LocalChannel() override {
    close();
    // A listener may hold the last reference to whoever owns the channel: then this is its thread,
    // which touches nothing of the channel any more once the listener returns.
    if (events_.get_id() == std::this_thread::get_id()) {
      events_.detach();
    } else if (events_.joinable()) {
      events_.join();
    }
    if (opened_.ok()) handler_.connection_closed(connection_);
  }

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    if (!opened_.ok()) return opened_.error();
    auto waiting = std::make_shared<Waiting>();
    {
      std::lock_guard lock(shared_->mutex);
      if (shared_->closed) return cancelled();
      shared_->calls.insert(waiting);
    }
    handler_.handle(connection_, std::string(method),
                    params_json.empty() ? std::string("{}") : std::string(params_json),
                    [shared = shared_, waiting](Result<ChannelReply> reply) {
                      {
                        std::lock_guard lock(shared->mutex);
                        if (waiting->answered) return;  // the first answer stands
                        waiting->answered = true;
                        waiting->reply = std::move(reply);
                      }
                      waiting->changed.notify_one();
                    });
    std::unique_lock lock(shared_->mutex);
    waiting->changed.wait(lock, [&] { return waiting->answered || shared_->closed; });
    shared_->calls.erase(waiting);
    if (waiting->answered) return std::move(waiting->reply);
    waiting->answered = true;  // a later answer finds nobody
    return cancelled();
  }

  void on_event(EventHandler handler) override {
    std::lock_guard lock(shared_->mutex);
    shared_->on_event = std::move(handler);
    if (!events_.joinable() && !shared_->closed) {
      events_ = std::thread([shared = shared_] { tell(*shared); });
    }
  }

  void close() override {
    std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    shared_->something_to_tell.notify_one();
    for (const auto& call : shared_->calls) call->changed.notify_one();
  }

 private:
  static Error cancelled() { return Error(Errc::cancelled, "the channel was closed"); }

  static bool push(Shared& shared, std::string event) {
    {
      std::lock_guard lock(shared.mutex);
      if (shared.closed || !shared.on_event) return true;
      if (shared.events.size() >= kEventsWaitingMax) return false;
      shared.events.push_back(std::move(event));
    }
    shared.something_to_tell.notify_one();
    return true;
  }

  // The channel's own thread: a slow listener must not hold up the coordinator.
  static void tell(Shared& shared) {
    std::unique_lock lock(shared.mutex);
    while (true) {
      shared.something_to_tell.wait(lock, [&] { return shared.closed || !shared.events.empty(); });
      if (shared.events.empty()) return;  // closed, and nothing left to tell
      const std::string event = std::move(shared.events.front());
      shared.events.pop_front();
      const EventHandler handler = shared.on_event;
      lock.unlock();
      if (handler) handler(event);
      lock.lock();
    }
  }

  RequestorHandler& handler_;
  const ConnectionId connection_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  Status opened_ = Ok{};
  std::thread events_;
};

}  // namespace

std::unique_ptr<RequestorChannel> connect_locally(RequestorHandler& handler,
                                                  std::string requestor_name) {
  return std::make_unique<LocalChannel>(handler, std::move(requestor_name));
}

}  // namespace stillframe

#include "framework/coordinator/turns/turn_desk.hpp"

#include <algorithm>
#include <mutex>

namespace stillframe::coordinator {
namespace {

// How often a lock that another process holds is tried again.
constexpr Duration kLockRetry = std::chrono::milliseconds(100);

machine::TurnKey key_of(const std::string& need) {
  return std::hash<std::string>()(need);
}

}  // namespace

class TurnDesk::Impl : public std::enable_shared_from_this<TurnDesk::Impl> {
 public:
  Impl(Runtime& runtime, BytePath runtime_dir)
      : strand(runtime.make_strand()), runtime_dir_(std::move(runtime_dir)) {}

  void take(TurnRequest request, Answer answer) {
    const SessionId session = request.session;
    {
      const std::lock_guard lock(names_mutex_);
      names_[session] = request.who + " (session " + session.to_string() + ")";
    }
    std::vector<machine::TurnKey> keys;
    for (const auto& need : request.needs) keys.push_back(key_of(need));
    std::sort(keys.begin(), keys.end());
    // Two names with one hash share a turn: that costs a wait, never exclusion.
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    Turn& turn = turns_[session];
    turn.request = std::move(request);
    turn.answer = std::move(answer);
    const auto said = queue_.request(session, keys, turn.request.wait_until);
    if (said == machine::TurnQueue::Answer::refused)
      return refuse(session, Error(Errc::limit_reached,
                                   std::to_string(machine::kTurnsMax) + " sets wait already"));
    if (said == machine::TurnQueue::Answer::granted) granted(session);
    refresh();
  }

  void release(const SessionId& session) {
    auto turn = turns_.find(session);
    if (turn == turns_.end()) return;
    unlock(turn->second);
    turns_.erase(turn);
    leave_queue(session);
    refresh();
  }

  std::string waiting_for(const SessionId& session) const {
    const std::lock_guard lock(names_mutex_);
    auto waits = waits_.find(session);
    return waits == waits_.end() ? std::string() : waits->second;
  }

  Strand strand;
  std::unique_ptr<BootTimer> timer;

 private:
  struct Turn {
    TurnRequest request;
    Answer answer;  // empty once given
    bool granted = false;
    bool locked = false;
    std::string told;           // the last holder that was named to it
    std::string other_process;  // holds a lock this turn needs
  };
  // Sessions of this process that work on different volumes of one file system share its lock.
  struct SharedLock {
    FileLock lock;
    int users = 0;
  };

  void leave_queue(const SessionId& session) {
    std::vector<SessionId> next;
    queue_.release(session, next);
    {
      const std::lock_guard lock(names_mutex_);
      names_.erase(session);
      waits_.erase(session);
    }
    for (const auto& other : next) granted(other);
  }

  void granted(const SessionId& session) {
    auto turn = turns_.find(session);
    if (turn == turns_.end()) return;
    turn->second.granted = true;
    try_locks(turn->second);
  }

  void try_locks(Turn& turn) {
    const Status locked = lock_all(turn);
    if (locked.ok()) {
      turn.locked = true;
      turn.other_process.clear();
      if (auto answer = std::exchange(turn.answer, nullptr)) answer(Ok{});
      return;
    }
    const bool later = locked.error().code() == Errc::in_progress &&
                       system_clock().now() < turn.request.wait_until;
    if (!later) return refuse(turn.request.session, locked.error());
    turn.other_process = locked.error().what();
  }

  Status lock_all(Turn& turn) {
    for (const auto& key : turn.request.file_systems) {
      auto held = locks_.find(key);
      if (held == locks_.end()) {
        auto lock = lock_file_system(runtime_dir_, key);
        if (!lock.ok()) {
          unlock_up_to(turn, key);
          return lock.error();
        }
        held = locks_.emplace(key, SharedLock{std::move(lock).value(), 0}).first;
      }
      ++held->second.users;
    }
    return Ok{};
  }

  void unlock_up_to(const Turn& turn, const std::string& end) {
    for (const auto& key : turn.request.file_systems) {
      if (key == end) return;
      auto held = locks_.find(key);
      if (--held->second.users == 0) locks_.erase(held);
    }
  }

  void unlock(Turn& turn) {
    if (turn.locked) unlock_up_to(turn, {});
    turn.locked = false;
  }

  void refuse(const SessionId& session, const Error& why) {
    auto turn = turns_.find(session);
    if (turn == turns_.end()) return;
    auto answer = std::move(turn->second.answer);
    unlock(turn->second);
    turns_.erase(turn);
    leave_queue(session);
    if (answer) answer(why);
  }

  void expire() {
    const BootTime now = system_clock().now();
    std::map<SessionId, std::string> holders;
    for (const auto& [session, turn] : turns_)
      if (!turn.granted) holders[session] = holder_of(session);
    std::vector<SessionId> expired, next;
    queue_.expire(now, expired, next);
    for (const auto& session : expired)
      refuse(session,
             Error(Errc::in_progress, "another set works on the same volumes or writers: " +
                                          holders[session] + "; wait for it, or end it by force"));
    for (const auto& session : next) granted(session);
    std::vector<SessionId> locking;
    for (const auto& [session, turn] : turns_)
      if (turn.granted && !turn.locked) locking.push_back(session);
    for (const auto& session : locking) {
      auto turn = turns_.find(session);
      if (turn != turns_.end()) try_locks(turn->second);
    }
    refresh();
  }

  std::string holder_of(const SessionId& session) const {
    auto turn = turns_.find(session);
    if (turn != turns_.end() && !turn->second.other_process.empty())
      return turn->second.other_process;
    const auto holder = queue_.holder_for(session);
    if (!holder) return {};
    const std::lock_guard lock(names_mutex_);
    auto name = names_.find(*holder);
    return name == names_.end() ? holder->to_string() : name->second;
  }

  // Who waits for whom, and when to look again.
  void refresh() {
    std::map<SessionId, std::string> waits;
    std::optional<BootTime> next = queue_.next_expiry();
    for (auto& [session, turn] : turns_) {
      if (turn.locked) continue;
      waits[session] = holder_of(session);
      if (turn.told != waits[session] && turn.request.waits) turn.request.waits(waits[session]);
      turn.told = waits[session];
      if (turn.granted) {
        const BootTime retry = system_clock().now() + kLockRetry;
        next = next ? std::min(*next, retry) : retry;
      }
    }
    {
      const std::lock_guard lock(names_mutex_);
      waits_ = std::move(waits);
    }
    if (!next) return timer->disarm();
    timer->arm(*next, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->expire();
    });
  }

  const BytePath runtime_dir_;
  machine::TurnQueue queue_;
  std::map<SessionId, Turn> turns_;
  std::map<std::string, SharedLock> locks_;
  mutable std::mutex names_mutex_;  // for what other threads ask; the rest is the strand's
  std::map<SessionId, std::string> names_, waits_;
};

Result<std::unique_ptr<TurnDesk>> TurnDesk::make(Runtime& runtime, BytePath runtime_dir) {
  auto impl = std::make_shared<Impl>(runtime, std::move(runtime_dir));
  auto timer = runtime.make_timer(impl->strand);
  if (!timer.ok()) return timer.error();
  impl->timer = std::move(timer).value();
  return std::unique_ptr<TurnDesk>(new TurnDesk(std::move(impl)));
}

void TurnDesk::take(TurnRequest request, Answer answer) {
  impl_->strand.post([impl = impl_, request = std::move(request), answer = std::move(answer)] {
    impl->take(request, answer);
  });
}

void TurnDesk::release(const SessionId& session) {
  impl_->strand.post([impl = impl_, session] { impl->release(session); });
}

std::string TurnDesk::waiting_for(const SessionId& session) const {
  return impl_->waiting_for(session);
}

}  // namespace stillframe::coordinator

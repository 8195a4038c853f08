#include "framework/coordinator/writers/heartbeat.hpp"

#include <algorithm>
#include <ctime>
#include <vector>

namespace stillframe::coordinator {
namespace {

// A writer that leaves three unanswered is given up within the lease.
constexpr int kBeatsPerLease = 4;

Duration read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

}  // namespace

Duration time_machine_slept() {
  // The smallest of a few readings: being preempted between two clocks looks like sleep, and only
  // ever adds to the difference.
  Duration smallest = Duration::max();
  for (int i = 0; i < 3; ++i) {
    const Duration awake = read_clock(CLOCK_MONOTONIC);
    smallest = std::min(smallest, read_clock(CLOCK_BOOTTIME) - awake);
  }
  return smallest;
}

Result<std::unique_ptr<Heartbeat>> Heartbeat::start() {
  std::unique_ptr<Heartbeat> heartbeat(new Heartbeat);
  try {
    heartbeat->thread_ = std::thread([self = heartbeat.get()] { self->run(); });
  } catch (const std::exception& e) {
    return Error(Errc::out_of_resources, std::string("starting the heartbeat thread: ") + e.what());
  }
  return heartbeat;
}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Heartbeat::start_beating(const SessionId& session, Duration lease,
                              std::shared_ptr<WriterLink> writer) {
  {
    const std::lock_guard lock(mutex_);
    auto [entry, is_new] = holds_.try_emplace(session);
    Hold& hold = entry->second;
    hold.interval = lease / kBeatsPerLease;
    if (is_new) hold.next = std::chrono::steady_clock::now() + hold.interval;
    const WriterInstanceId instance = writer->instance();
    hold.writers[instance] = std::move(writer);
    if (!is_new) return;  // the thread knows of this session's next beat
  }
  changed_.notify_all();
}

void Heartbeat::stop_beating(const SessionId& session, const WriterInstanceId& writer) {
  const std::lock_guard lock(mutex_);
  auto hold = holds_.find(session);
  if (hold == holds_.end()) return;
  hold->second.writers.erase(writer);
  if (hold->second.writers.empty()) holds_.erase(hold);
}

void Heartbeat::stop_beating(const SessionId& session) {
  const std::lock_guard lock(mutex_);
  holds_.erase(session);
}

bool Heartbeat::beating() const {
  const std::lock_guard lock(mutex_);
  return !holds_.empty();
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (holds_.empty()) {
      changed_.wait(lock, [this] { return stopping_ || !holds_.empty(); });
      continue;
    }
    const auto now = std::chrono::steady_clock::now();
    auto wake = now + std::chrono::hours(1);
    std::vector<std::pair<SessionId, std::shared_ptr<WriterLink>>> due;
    for (auto& [session, hold] : holds_) {
      if (hold.next <= now) {
        for (const auto& [instance, writer] : hold.writers) due.emplace_back(session, writer);
        hold.next = now + hold.interval;
      }
      wake = std::min(wake, hold.next);
    }
    if (due.empty()) {
      changed_.wait_until(lock, wake);
      continue;
    }
    lock.unlock();
    for (const auto& [session, writer] : due) writer->heartbeat(session);
    due.clear();
    lock.lock();
  }
}

}  // namespace stillframe::coordinator

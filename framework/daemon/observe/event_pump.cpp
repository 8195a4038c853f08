#include "framework/daemon/observe/event_pump.hpp"

#include <atomic>
#include <condition_variable>
#include <system_error>
#include <thread>

#include <pthread.h>
#include <signal.h>

namespace stillframe::daemon {
namespace {

constexpr std::size_t kPumpPageEvents = 64;
constexpr std::chrono::milliseconds kPumpIdle{3'600'000};

// Whoever reads standard error may go away; that is an error of a write like any other.
void block_pipe_signal() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

}  // namespace

struct EventPump::Shared {
  std::shared_ptr<const EventRing> ring;
  std::shared_ptr<const HoldGate> gate;
  std::unique_ptr<EventOutput> output;
  EventPumpOptions options;
  Report report;
  std::atomic<bool> stopping{false}, reopening{false};
  std::atomic<bool> failing{false};  // not under the mutex: the ring asks for it under its own

  mutable std::mutex mutex;  // of what follows
  std::condition_variable ended_changed;
  bool ended = false;
  bool abandoned = false;  // nobody is there any more to be reported to
  std::uint64_t place = 0;
  EventPumpState state;

  bool paused() const { return !stopping && output->waits_for_disks() && gate->holding(); }
  void run();
  void wait(bool slowly);
  bool write_page();
  void note_failure(const Status& status);
};

Result<std::unique_ptr<EventPump>> EventPump::start(std::shared_ptr<const EventRing> ring,
                                                    std::shared_ptr<const HoldGate> gate,
                                                    std::unique_ptr<EventOutput> output,
                                                    EventPumpOptions options, Report report) {
  auto shared = std::make_shared<Shared>();
  shared->ring = std::move(ring);
  shared->gate = std::move(gate);
  shared->output = std::move(output);
  shared->state.name = options.name;
  shared->options = std::move(options);
  shared->report = std::move(report);
  try {
    std::thread([shared] {
      (void)pthread_setname_np(pthread_self(), shared->options.name.substr(0, 15).c_str());
      block_pipe_signal();
      shared->run();
    }).detach();
  } catch (const std::system_error& error) {
    return Error(Errc::out_of_resources,
                 std::string("cannot start the event thread: ") + error.what());
  }
  return std::unique_ptr<EventPump>(new EventPump(std::move(shared)));
}

EventPump::~EventPump() {
  shared_->stopping = true;
  shared_->ring->wake();
  std::unique_lock lock(shared_->mutex);
  shared_->ended_changed.wait_for(lock, shared_->options.stop_patience,
                                  [this] { return shared_->ended; });
  shared_->abandoned = true;
}

void EventPump::reopen() {
  shared_->reopening = true;
  shared_->ring->wake();
}

EventPumpState EventPump::state() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->state;
}

bool EventPump::done_with(std::uint64_t sequence) const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->place >= sequence;
}

void EventPump::Shared::run() {
  bool slowly = false;
  while (true) {
    wait(slowly);
    const bool last_round = stopping;
    if (reopening.exchange(false)) output->reopen();
    slowly = paused();
    while (!paused() && ring->last() > place)
      if (!write_page()) {
        slowly = true;
        break;
      }
    if (last_round) break;
  }
  const std::lock_guard lock(mutex);
  ended = true;
  ended_changed.notify_all();
}

// After a failure, and during a hold whose end nobody may ever tell, it looks again after a while.
void EventPump::Shared::wait(bool slowly) {
  ring->wait(slowly ? options.retry : kPumpIdle, [&](std::uint64_t last) {
    if (stopping || reopening) return true;
    return last > place && (!slowly || (!paused() && !failing));
  });
}

// False when the output failed.
bool EventPump::Shared::write_page() {
  const EventRing::Page page = ring->after(place, kPumpPageEvents);
  if (page.lost > 0) {
    const std::lock_guard lock(mutex);
    state.lost += page.lost;
    place += page.lost;
  }
  for (const SharedEvent& event : page.events) {
    if (paused()) return true;
    const Status written = output->write(*event);
    note_failure(written);
    if (!written.ok()) return false;
    const std::lock_guard lock(mutex);
    ++state.written;
    place = event->sequence;
  }
  return true;
}

void EventPump::Shared::note_failure(const Status& status) {
  const std::lock_guard lock(mutex);
  const bool failed_before = failing.exchange(!status.ok());
  state.failing = status.ok() ? std::string() : status.error().what();
  if (failed_before != status.ok() || abandoned || !report) return;
  const std::uint64_t lost = state.lost;
  // Under the lock: a pump that is being destroyed waits, so the one reported to is still there.
  report(status, lost);
}

}  // namespace stillframe::daemon

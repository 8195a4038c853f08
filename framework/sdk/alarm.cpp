#include "framework/sdk/alarm.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

class TimerfdAlarm : public Alarm {
 public:
  TimerfdAlarm(Descriptor timer, Descriptor stop, std::function<void()> ring)
      : timer_(std::move(timer)), stop_(std::move(stop)), ring_(std::move(ring)) {}

  void start() {
    // Signals are the application's business: none may land on this thread.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "sf-hold-timer");
  }

  ~TimerfdAlarm() override {
    ::eventfd_write(stop_.get(), 1);
    if (thread_.joinable()) thread_.join();
  }

  void set(std::optional<BootTime> at) override {
    itimerspec spec{};
    if (at) {
      const auto ns = std::max<std::int64_t>(1, at->since_boot().count());  // zero would disarm
      spec.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
      spec.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

 private:
  void run() {
    while (true) {
      pollfd fds[2] = {{timer_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      std::uint64_t expirations = 0;
      if (::read(timer_.get(), &expirations, sizeof expirations) > 0) ring_();
    }
  }

  const Descriptor timer_, stop_;
  const std::function<void()> ring_;
  std::thread thread_;
};

Duration read_clock(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<Alarm>> make_system_alarm(std::function<void()> ring) {
  Descriptor timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.valid()) return posix_error(errno, "create", "hold timer");
  Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return posix_error(errno, "create", "hold timer");
  auto alarm = std::make_unique<TimerfdAlarm>(std::move(timer), std::move(stop), std::move(ring));
  try {
    alarm->start();
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources, std::string("cannot start the hold timer: ") + e.what());
  }
  return std::unique_ptr<Alarm>(std::move(alarm));
}

// The two clocks cannot be read at once: being preempted between the readings looks like sleep. The
// closest of a few tries is taken.
Duration time_suspended() {
  Duration best_gap = Duration::max(), best{0};
  for (int i = 0; i < 8 && best_gap > kSuspendResolution / 10; ++i) {
    const Duration before = read_clock(CLOCK_MONOTONIC);
    const Duration boot = read_clock(CLOCK_BOOTTIME);
    const Duration gap = read_clock(CLOCK_MONOTONIC) - before;
    if (gap >= best_gap) continue;
    best_gap = gap;
    best = boot - before - gap / 2;
  }
  return best;
}

}  // namespace stillframe

#include "framework/transport/boot_timer.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/timerfd.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

class TimerfdTimer : public BootTimer {
 public:
  TimerfdTimer(IoThread& io, int fd) : state_(std::make_shared<State>(io.context(), fd)) {}
  ~TimerfdTimer() override { cancel(); }

  void arm(BootTime at, std::function<void()> fire) override {
    const std::uint64_t turn = ++state_->turn;
    state_->fire = std::move(fire);
    set(std::max(at, BootTime(Duration(1))));  // zero would disarm
    wait(state_, turn);
  }

  void cancel() override {
    ++state_->turn;
    state_->fire = nullptr;
    set(BootTime{});  // disarms
    boost::system::error_code ignored;
    state_->descriptor.cancel(ignored);
  }

 private:
  // Outlives the timer while a cancelled wait is still on its way through the event loop.
  struct State {
    State(boost::asio::io_context& context, int fd) : descriptor(context, fd) {}
    boost::asio::posix::stream_descriptor descriptor;
    std::function<void()> fire;
    std::uint64_t turn = 0;
  };

  void set(BootTime at) {
    itimerspec spec{};
    const auto ns = at.since_boot().count();
    spec.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    spec.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    ::timerfd_settime(state_->descriptor.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  static void wait(const std::shared_ptr<State>& state, std::uint64_t turn) {
    state->descriptor.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [state, turn](const boost::system::error_code& error) {
          if (error || turn != state->turn) return;
          std::uint64_t expirations = 0;
          if (::read(state->descriptor.native_handle(), &expirations, sizeof expirations) < 0) {
            return wait(state, turn);  // re-armed since
          }
          auto fire = std::move(state->fire);
          state->fire = nullptr;
          if (fire) fire();
        });
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Result<std::unique_ptr<BootTimer>> BootTimer::create(IoThread& io) {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0) return posix_error(errno, "create", "timer");
  return std::unique_ptr<BootTimer>(std::make_unique<TimerfdTimer>(io, fd));
}

}  // namespace stillframe

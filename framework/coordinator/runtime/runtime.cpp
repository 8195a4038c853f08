#include "framework/coordinator/runtime/runtime.hpp"

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <sys/timerfd.h>
#include <unistd.h>

namespace stillframe::coordinator {

namespace asio = boost::asio;

class Strand::Impl {
 public:
  explicit Impl(std::shared_ptr<asio::io_context> context)
      : io(std::move(context)), strand(asio::make_strand(*io)) {}
  // Shared with the runtime: work that finishes after it may still post, to nobody.
  std::shared_ptr<asio::io_context> io;
  asio::strand<asio::io_context::executor_type> strand;
};

void Strand::post(std::function<void()> work) const {
  asio::post(impl_->strand, [work = std::move(work)] { work(); });
}

class Runtime::Impl {
 public:
  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>();
  asio::executor_work_guard<asio::io_context::executor_type> work{io->get_executor()};
  std::vector<std::thread> threads;
};

namespace {

// The alarm in force is told from a replaced one by its generation: a wait that was already
// satisfied when it was cancelled still runs its handler.
class TimerfdTimer final : public BootTimer {
 public:
  template <class Executor>
  TimerfdTimer(const Executor& strand, int fd) : state_(std::make_shared<State>(strand, fd)) {}
  ~TimerfdTimer() override { disarm(); }

  void arm(BootTime when, std::function<void()> ring) override {
    const std::uint64_t generation = ++state_->generation;
    state_->descriptor.cancel();
    // Zero would disarm; an instant in the past rings at once.
    const auto at = std::max(when.since_boot(), Duration{1});
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(at.count() / 1'000'000'000);
    spec.it_value.tv_nsec = static_cast<long>(at.count() % 1'000'000'000);
    ::timerfd_settime(state_->descriptor.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
    state_->descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [state = state_, generation, ring = std::move(ring)](boost::system::error_code error) {
          if (error || state->generation != generation) return;
          ring();
        });
  }

  void disarm() override {
    ++state_->generation;
    const itimerspec none{};
    ::timerfd_settime(state_->descriptor.native_handle(), 0, &none, nullptr);
    state_->descriptor.cancel();
  }

 private:
  struct State {
    template <class Executor>
    State(const Executor& strand, int fd) : descriptor(strand, fd) {}
    asio::posix::basic_stream_descriptor<asio::strand<asio::io_context::executor_type>> descriptor;
    std::uint64_t generation = 0;
  };
  std::shared_ptr<State> state_;  // shared with a wait whose cancelled handler has not run yet
};

}  // namespace

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() {
  stop();
}

Result<std::unique_ptr<Runtime>> Runtime::start(int threads) {
  auto impl = std::make_unique<Impl>();
  try {
    for (int i = 0; i < threads; ++i) impl->threads.emplace_back([io = impl->io] { io->run(); });
  } catch (const std::exception& e) {
    std::unique_ptr<Runtime> partly(new Runtime(std::move(impl)));
    return Error(Errc::out_of_resources, std::string("starting coordinator threads: ") + e.what());
  }
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Strand Runtime::make_strand() {
  return Strand(std::make_shared<Strand::Impl>(impl_->io));
}

Result<std::unique_ptr<BootTimer>> Runtime::make_timer(const Strand& strand) {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0)
    return Error(Errc::out_of_resources, std::string("timerfd_create: ") + std::strerror(errno));
  return std::unique_ptr<BootTimer>(std::make_unique<TimerfdTimer>(strand.impl_->strand, fd));
}

void Runtime::stop() {
  if (!impl_) return;
  impl_->work.reset();
  impl_->io->stop();
  for (auto& thread : impl_->threads)
    if (thread.joinable()) thread.join();
  if (impl_->threads.empty()) return;
  impl_->threads.clear();
  // What is queued may own what owns a strand: run it here, or neither would ever go.
  impl_->io->restart();
  while (impl_->io->poll() != 0) {
  }
}

}  // namespace stillframe::coordinator

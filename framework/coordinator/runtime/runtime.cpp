#include "framework/coordinator/runtime/runtime.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <sys/timerfd.h>
#include <unistd.h>

namespace stillframe::coordinator {

namespace asio = boost::asio;

// Says whether the runtime still takes work, and waits for threads that are not its own.
class RuntimeDoor {
 public:
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
    ++inside_;
    return true;
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0) empty_.notify_all();
  }

  void close() {
    std::unique_lock lock(mutex_);
    closing_ = true;
    empty_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  bool closing_ = false;
  int inside_ = 0;
};

// Shared with the runtime: work that finishes after it may still post, to nobody.
struct RuntimeLoop {
  asio::io_context io;
  RuntimeDoor door;
  std::atomic<bool> stopped = false;
};

// At most one thread is in it: the one that found it idle, until it leaves nothing waiting.
class Strand::Impl : public std::enable_shared_from_this<Strand::Impl> {
 public:
  explicit Impl(std::shared_ptr<RuntimeLoop> its_loop) : loop(std::move(its_loop)) {}

  void post(std::function<void()> work) {
    if (loop->stopped) return;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(work));
      if (std::exchange(busy_, true)) return;
    }
    go_on_elsewhere();
  }

  void run_or_post(std::function<void()> work) {
    if (!loop->door.enter()) return post(std::move(work));
    if (occupy()) {
      work();
      work = nullptr;
      leave();
    } else {
      post(std::move(work));
    }
    loop->door.leave();
  }

  const std::shared_ptr<RuntimeLoop> loop;

 private:
  bool occupy() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(busy_, true);
  }

  void leave() {
    {
      const std::lock_guard lock(mutex_);
      busy_ = !waiting_.empty();
      if (!busy_) return;
    }
    go_on_elsewhere();
  }

  void go_on_elsewhere() {
    asio::post(loop->io, [self = shared_from_this()] { self->work_off(); });
  }

  // What waited when it began; other strands come before what is posted meanwhile.
  void work_off() {
    std::deque<std::function<void()>> now;
    {
      const std::lock_guard lock(mutex_);
      now.swap(waiting_);
    }
    while (!now.empty()) {
      now.front()();
      now.pop_front();
    }
    leave();
  }

  std::mutex mutex_;
  bool busy_ = false;
  std::deque<std::function<void()>> waiting_;
};

void Strand::post(std::function<void()> work) const {
  impl_->post(std::move(work));
}

void Strand::run_or_post(std::function<void()> work) const {
  impl_->run_or_post(std::move(work));
}

class Runtime::Impl {
 public:
  std::shared_ptr<RuntimeLoop> loop = std::make_shared<RuntimeLoop>();
  asio::executor_work_guard<asio::io_context::executor_type> work{loop->io.get_executor()};
  std::vector<std::thread> threads;
};

namespace {

// The alarm in force is told from a replaced one by its generation: a wait that was already
// satisfied when it was cancelled still runs its handler. The wait ends on any thread, and all else
// happens on the strand.
class TimerfdTimer final : public BootTimer {
 public:
  TimerfdTimer(std::weak_ptr<Strand::Impl> strand, asio::io_context& io, int fd)
      : strand_(std::move(strand)), state_(std::make_shared<State>(io, fd)) {}
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
        [strand = strand_, state = state_, generation,
         ring = std::move(ring)](boost::system::error_code error) mutable {
          const auto alive = strand.lock();
          if (error || !alive) return;
          alive->post([state = std::move(state), generation, ring = std::move(ring)] {
            if (state->generation == generation) ring();
          });
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
    State(asio::io_context& io, int fd) : descriptor(io, fd) {}
    asio::posix::stream_descriptor descriptor;
    std::uint64_t generation = 0;
  };
  // Not an owner: a wait that nobody takes out of a stopped loop must not keep that loop.
  const std::weak_ptr<Strand::Impl> strand_;
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
    for (int i = 0; i < threads; ++i)
      impl->threads.emplace_back([loop = impl->loop] { loop->io.run(); });
  } catch (const std::exception& e) {
    std::unique_ptr<Runtime> partly(new Runtime(std::move(impl)));
    return Error(Errc::out_of_resources, std::string("starting coordinator threads: ") + e.what());
  }
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Strand Runtime::make_strand() {
  return Strand(std::make_shared<Strand::Impl>(impl_->loop));
}

Result<std::unique_ptr<BootTimer>> Runtime::make_timer(const Strand& strand) {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0)
    return Error(Errc::out_of_resources, std::string("timerfd_create: ") + std::strerror(errno));
  return std::unique_ptr<BootTimer>(
      std::make_unique<TimerfdTimer>(strand.impl_, impl_->loop->io, fd));
}

void Runtime::stop() {
  if (!impl_) return;
  RuntimeLoop& loop = *impl_->loop;
  loop.door.close();
  impl_->work.reset();
  loop.io.stop();
  for (auto& thread : impl_->threads)
    if (thread.joinable()) thread.join();
  if (impl_->threads.empty()) return;
  impl_->threads.clear();
  // What is queued may own what owns a strand: run it here, or neither would ever go.
  loop.io.restart();
  while (loop.io.poll() != 0) {
  }
  loop.stopped = true;
}

}  // namespace stillframe::coordinator

#include "framework/transport/io_thread.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

#include "framework/transport/stand_in.hpp"

namespace stillframe {

struct IoThread::Impl {
  // For two threads, although one at a time runs the loop: what a lent thread posts must not wait
  // in a queue of its own until it is back.
  boost::asio::io_context context{2};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work{
      context.get_executor()};
  std::thread thread;
  std::atomic<std::thread::id> on_loop;
  std::unique_ptr<StandIn> stand_in;  // from the first time the thread was lent; its own
  std::mutex mutex;                   // guards `stopping`
  bool stopping = false;

  void run() {
    on_loop = std::this_thread::get_id();
    context.run();
    on_loop = std::thread::id();  // the number may become another thread's
  }
};

IoThread::IoThread(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<IoThread>> IoThread::start(const char* name) {
  auto impl = std::make_unique<Impl>();
  Impl* raw = impl.get();
  try {
    impl->thread = std::thread([raw] { raw->run(); });
  } catch (const std::system_error& e) {
    return Error(Errc::out_of_resources, std::string("cannot start a thread: ") + e.what());
  }
  ::pthread_setname_np(impl->thread.native_handle(), name);
  return std::unique_ptr<IoThread>(new IoThread(std::move(impl)));
}

IoThread::~IoThread() {
  stop();
}

void IoThread::post(std::function<void()> task) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->stopping) return;
  boost::asio::post(impl_->context, std::move(task));
}

void IoThread::run(const std::function<void()>& task) {
  if (on_thread()) {
    task();
    return;
  }
  std::mutex mutex;
  std::condition_variable ready;
  bool done = false;
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return;
    boost::asio::post(impl_->context, [&] {
      task();
      std::lock_guard done_lock(mutex);
      done = true;
      ready.notify_one();  // under the lock: the waiter owns `ready` and may leave at once
    });
  }
  std::unique_lock lock(mutex);
  ready.wait(lock, [&] { return done; });
}

bool IoThread::on_thread() const noexcept {
  return impl_->on_loop == std::this_thread::get_id();
}

bool IoThread::lend(const std::function<void()>& job) {
  if (impl_->stand_in && impl_->stand_in->on_thread()) return false;
  if (!impl_->stand_in) {
    auto stand_in = StandIn::start("sf-stand-in", impl_->context, impl_->on_loop);
    if (!stand_in.ok()) return false;
    impl_->stand_in = std::move(stand_in).value();
  }
  impl_->stand_in->cover(job);
  return true;
}

void IoThread::stop() {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return;
    impl_->stopping = true;
    // The last task: whatever waits for descriptors or timers is dropped with the context.
    boost::asio::post(impl_->context, [this] { impl_->context.stop(); });
    impl_->work.reset();
  }
  impl_->thread.join();
  impl_->stand_in.reset();
}

boost::asio::io_context& IoThread::context() {
  return impl_->context;
}

}  // namespace stillframe

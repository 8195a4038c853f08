#include "framework/transport/io_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

namespace stillframe {

struct IoThread::Impl {
  boost::asio::io_context context{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work{
      context.get_executor()};
  std::thread thread;
  std::mutex mutex;  // guards `stopping`
  bool stopping = false;
};

IoThread::IoThread(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<IoThread>> IoThread::start(const char* name) {
  auto impl = std::make_unique<Impl>();
  Impl* raw = impl.get();
  try {
    impl->thread = std::thread([raw] { raw->context.run(); });
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
  return impl_->thread.get_id() == std::this_thread::get_id();
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
}

boost::asio::io_context& IoThread::context() {
  return impl_->context;
}

}  // namespace stillframe

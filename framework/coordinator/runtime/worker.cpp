#include "framework/coordinator/runtime/worker.hpp"

#include <pthread.h>

namespace stillframe::coordinator {

Result<std::unique_ptr<Worker>> Worker::start(const std::string& name) {
  std::unique_ptr<Worker> worker(new Worker);
  try {
    worker->thread_ = std::thread([self = worker.get()] { self->run(); });
  } catch (const std::exception& e) {
    return Error(Errc::out_of_resources, "starting worker " + name + ": " + e.what());
  }
  // The kernel keeps 15 characters; only ps and debuggers see it.
  pthread_setname_np(worker->thread_.native_handle(), name.substr(0, 15).c_str());
  return worker;
}

Worker::~Worker() {
  stop();
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it captured dies outside the lock
    lock.lock();
  }
}

}  // namespace stillframe::coordinator

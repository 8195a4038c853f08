#include "framework/sdk/writers_loop.hpp"

#include <mutex>

namespace stillframe {

Result<std::shared_ptr<IoThread>> writers_loop() {
  static std::mutex mutex;
  static std::weak_ptr<IoThread> kept;
  const std::lock_guard lock(mutex);
  if (auto running = kept.lock()) return running;
  auto started = IoThread::start("sf-writer-link");
  if (!started.ok()) return started.error();
  std::shared_ptr<IoThread> loop = std::move(started).value();
  kept = loop;
  return loop;
}

}  // namespace stillframe

#include "writers/ese/recovery/generations_ahead.hpp"

#include <utility>

namespace stillframe::ese {

Result<LogGeneration> GenerationsAhead::take(Generation generation) {
  auto pending = std::exchange(pending_, std::nullopt);
  if (pending && pending->generation != generation) {
    pending->log.wait();
    pending.reset();
  }
  auto log = pending ? pending->log.get() : read_(generation, generation == last_);
  if (!log.ok() || generation >= last_) return log;
  const Generation next = generation_after(generation);
  // Where no thread can be had it is read when it is asked for.
  pending_ = Pending{next, std::async(std::launch::async | std::launch::deferred,
                                      [this, next] { return read_(next, next == last_); })};
  return log;
}

}  // namespace stillframe::ese

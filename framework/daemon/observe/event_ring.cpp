#include "framework/daemon/observe/event_ring.hpp"

#include <algorithm>

namespace stillframe::daemon {

std::size_t memory_of(const EventRecord& event) noexcept {
  constexpr std::size_t kOfMapNode = 48;
  std::size_t bytes = sizeof(NumberedEvent) + event.source.capacity() + event.message.capacity();
  for (const auto& [name, value] : event.fields)
    bytes += kOfMapNode + sizeof(name) + sizeof(value) + name.capacity() + value.capacity();
  return bytes;
}

std::uint64_t EventRing::append(EventRecord event) {
  auto numbered = std::make_shared<NumberedEvent>();
  numbered->record = std::move(event);
  const std::size_t bytes = memory_of(numbered->record);
  std::uint64_t sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    sequence = numbered->sequence = ++last_;
    events_.push_back(std::move(numbered));
    bytes_ += bytes;
    while (events_.size() > 1 &&
           (events_.size() > limits_.events_max || bytes_ > limits_.bytes_max)) {
      bytes_ -= memory_of(events_.front()->record);
      events_.pop_front();
    }
  }
  changed_.notify_all();
  return sequence;
}

EventRing::Page EventRing::after(std::uint64_t sequence, std::size_t events_max) const {
  const std::lock_guard lock(mutex_);
  Page page;
  page.next = sequence;
  if (sequence >= last_) return page;
  const std::uint64_t first = last_ - events_.size() + 1;
  if (sequence + 1 < first) page.lost = first - sequence - 1;
  const std::size_t from = page.lost > 0 ? 0 : static_cast<std::size_t>(sequence + 1 - first);
  const std::size_t count = std::min(events_max, events_.size() - from);
  const auto begin = events_.begin() + static_cast<std::ptrdiff_t>(from);
  page.events.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  page.next = first + from + count - 1;
  return page;
}

std::uint64_t EventRing::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void EventRing::wait(std::chrono::milliseconds patience,
                     const std::function<bool(std::uint64_t)>& ready) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return ready(last_); });
}

void EventRing::wake() const {
  const std::lock_guard lock(mutex_);  // nobody is between asking and sleeping
  changed_.notify_all();
}

}  // namespace stillframe::daemon

#include "framework/base/json_lines_event_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace stillframe {

std::string to_json_line(const EventRecord& event) {
  nlohmann::ordered_json line{{"event_id", event.id},
                              {"source", event.source},
                              {"level", std::string(to_string(event.level))},
                              {"message", event.message},
                              {"fields", event.fields},
                              {"when", event.when.since_epoch().count()}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

JsonLinesEventSink::JsonLinesEventSink(Descriptor to, std::size_t lines_max)
    : to_(std::move(to)), lines_max_(std::max<std::size_t>(lines_max, 1)) {}

Result<std::unique_ptr<JsonLinesEventSink>> JsonLinesEventSink::start(Descriptor to,
                                                                      std::size_t lines_max) {
  if (!to.valid()) {
    return Error(Errc::invalid_argument, "an event sink needs an open descriptor");
  }
  std::unique_ptr<JsonLinesEventSink> sink(new JsonLinesEventSink(std::move(to), lines_max));
  try {
    sink->thread_ = std::thread([raw = sink.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return Error(Errc::out_of_resources,
                 std::string("cannot start the event thread: ") + error.what());
  }
  return sink;
}

JsonLinesEventSink::~JsonLinesEventSink() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void JsonLinesEventSink::emit(const EventRecord& event) {
  std::string line = to_json_line(event);
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= lines_max_) {
      waiting_.pop_front();
      ++lost_;
      ++lost_unsaid_;
    }
    waiting_.push_back(std::move(line));
  }
  more_.notify_one();
}

void JsonLinesEventSink::flush() {
  std::unique_lock lock(mutex_);
  drained_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

std::uint64_t JsonLinesEventSink::lost() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

void JsonLinesEventSink::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::string line = std::move(waiting_.front());
    waiting_.pop_front();
    if (const std::uint64_t lost = std::exchange(lost_unsaid_, 0); lost > 0) {
      line = nlohmann::json{{"lost_events", lost}}.dump() + "\n" + line;
    }
    writing_ = true;
    lock.unlock();
    const bool written = write_line(line + "\n");
    lock.lock();
    writing_ = false;
    if (!written) ++lost_;
    if (waiting_.empty()) drained_.notify_all();
  }
}

bool JsonLinesEventSink::write_line(const std::string& line) {
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(to_.get(), line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace stillframe

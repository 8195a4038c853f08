// Writes events to a descriptor, one JSON object a line.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/base/event_sink.hpp"

namespace stillframe {

// One line without its newline: {"event_id":..,"source":..,"level":..,"message":..,"fields":{..},
// "when":..}. Bytes that are no UTF-8 become U+FFFD.
std::string to_json_line(const EventRecord& event);

// A thread of its own does the writing, so that emit() returns at once also while the file system
// behind the descriptor is held. When lines_max lines wait, the oldest make room and the next line
// written says how many were lost. Destruction writes what waits and joins: not during a hold.
class JsonLinesEventSink final : public EventSink {
 public:
  // Takes ownership of `to`.
  static Result<std::unique_ptr<JsonLinesEventSink>> start(Descriptor to,
                                                           std::size_t lines_max = 4096);
  ~JsonLinesEventSink() override;

  void emit(const EventRecord& event) override;

  // Waits until everything emitted so far was written, or could not be.
  void flush();
  // How many lines never reached the descriptor.
  std::uint64_t lost() const;

 private:
  JsonLinesEventSink(Descriptor to, std::size_t lines_max);
  void run();
  bool write_line(const std::string& line);

  const Descriptor to_;
  const std::size_t lines_max_;
  mutable std::mutex mutex_;
  std::condition_variable more_, drained_;
  std::deque<std::string> waiting_;
  bool writing_ = false;
  bool stopping_ = false;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_unsaid_ = 0;
  std::thread thread_;
};

}  // namespace stillframe

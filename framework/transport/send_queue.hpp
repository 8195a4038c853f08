// What a connection has yet to send.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/descriptor.hpp>

#include "framework/wire/frame.hpp"

namespace stillframe {

struct OutgoingFrame {
  std::string bytes;
  std::vector<Descriptor> descriptors;
};

// Frames in the order they go out. Heartbeats overtake whole frames, never parts of one.
class SendQueue {
 public:
  explicit SendQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool push(wire::Kind kind, std::vector<std::string> frames, std::vector<Descriptor> descriptors) {
    std::size_t added = 0;
    for (const auto& frame : frames) added += frame.size();
    if (bytes_ + added > bytes_max_) return false;
    bytes_ += added;
    auto& lane = kind == wire::Kind::heartbeat ? urgent_ : normal_;
    for (auto& frame : frames) {
      lane.push_back({std::move(frame), std::exchange(descriptors, {})});
    }
    return true;
  }

  // The frame to go on with; null when there is none.
  OutgoingFrame* front() {
    if (current_.bytes.empty()) {
      auto& lane = urgent_.empty() ? normal_ : urgent_;
      if (lane.empty()) return nullptr;
      current_ = std::move(lane.front());
      lane.pop_front();
    }
    return &current_;
  }

  void sent(std::size_t bytes) {
    bytes_ -= bytes;
    sent_of_current_ += bytes;
    current_.descriptors.clear();
    if (sent_of_current_ == current_.bytes.size()) {
      current_ = {};
      sent_of_current_ = 0;
    }
  }

  std::size_t bytes() const { return bytes_; }
  std::string_view rest() const {
    return std::string_view(current_.bytes).substr(sent_of_current_);
  }

 private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::size_t sent_of_current_ = 0;
  OutgoingFrame current_;
  std::deque<OutgoingFrame> urgent_, normal_;
};

}  // namespace stillframe

// What `watch` knows of a coordinator: sessions, holds and writers, from its events.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <stillframe/event.hpp>
#include <stillframe/requestor.hpp>

namespace stillframe::cli {

class WatchModel {
 public:
  struct Session {
    std::string requestor, kind, phase, waiting_for;
    BootTime since;
    bool known_phase = false;
    bool holds = false;
    std::string last_hold;  // "12.3 ms, 4 writers"
  };

  void note(const NumberedEvent& event);
  // What the coordinator says is under way: the truth, where events were lost.
  void set_sessions(const std::vector<SessionInfo>& sessions);
  void set_writers(std::size_t count) { writers_ = count; }

  // The whole picture, at most `lines` lines of `columns` characters.
  std::vector<std::string> draw(BootTime now, std::size_t lines, std::size_t columns) const;

 private:
  std::map<std::string, Session> sessions_;
  std::size_t writers_ = 0;
  std::uint64_t holds_ = 0, failures_ = 0, ended_ = 0;
  double longest_hold_ms_ = 0;
  std::deque<std::string> latest_;  // lines of events, at most kLatestMax
  static constexpr std::size_t kLatestMax = 100;
};

}  // namespace stillframe::cli

// Who may work on which volume and writer now. A session takes all it needs in one turn or waits;
// turns are given in order of asking, except to those whose needs touch nobody ahead of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/ids.hpp>
#include <stillframe/time.hpp>

namespace stillframe::machine {

// A volume or a writer instance; the driver makes them unique (a hash of the id with the kind).
using TurnKey = std::uint64_t;

inline constexpr std::size_t kTurnsMax = 1024;  // waiting and held, per coordinator

// Pure; no threads, no clock.
class TurnQueue {
 public:
  enum class Answer { granted, waits, refused };  // refused: kTurnsMax sessions are in the queue

  // One turn per session at a time. `keys` without duplicates.
  Answer request(const SessionId& session, std::span<const TurnKey> keys, BootTime wait_until);
  // Gives back the turn, or the place in the queue; unknown sessions are ignored. `granted` is
  // appended with the sessions whose turn it is now.
  void release(const SessionId& session, std::vector<SessionId>& granted);
  // Takes those out of the queue whose wait is over; the places they leave may let others in.
  void expire(BootTime now, std::vector<SessionId>& expired, std::vector<SessionId>& granted);

  bool holds(const SessionId& session) const noexcept;
  // The session that `session` waits for first; none when it does not wait.
  std::optional<SessionId> holder_for(const SessionId& session) const;
  // When expire() has work next; none when nobody waits.
  std::optional<BootTime> next_expiry() const noexcept;
  std::size_t size() const noexcept { return turns_.size(); }

 private:
  struct Turn {
    SessionId session;
    std::vector<TurnKey> keys;  // sorted
    BootTime wait_until;
    bool granted = false;
  };

  bool blocked(std::size_t position) const noexcept;
  void grant(std::vector<SessionId>& granted);

  std::vector<Turn> turns_;  // in order of asking
};

}  // namespace stillframe::machine

#include "framework/coordinator/machine/turn_queue.hpp"

#include <algorithm>

namespace stillframe::machine {
namespace {

bool overlap(const std::vector<TurnKey>& a, const std::vector<TurnKey>& b) noexcept {
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (*left == *right) return true;
    if (*left < *right) {
      ++left;
    } else {
      ++right;
    }
  }
  return false;
}

}  // namespace

// A turn waits for everybody before it that needs one of its keys, also for those who wait
// themselves: otherwise two small sets could keep a large one out for ever.
bool TurnQueue::blocked(std::size_t position) const noexcept {
  for (std::size_t i = 0; i < position; ++i) {
    if (overlap(turns_[i].keys, turns_[position].keys)) return true;
  }
  return false;
}

TurnQueue::Answer TurnQueue::request(const SessionId& session, std::span<const TurnKey> keys,
                                     BootTime wait_until) {
  if (turns_.size() >= kTurnsMax) return Answer::refused;
  Turn& turn = turns_.emplace_back();
  turn.session = session;
  turn.keys.assign(keys.begin(), keys.end());
  std::sort(turn.keys.begin(), turn.keys.end());
  turn.wait_until = wait_until;
  turn.granted = !blocked(turns_.size() - 1);
  return turn.granted ? Answer::granted : Answer::waits;
}

void TurnQueue::grant(std::vector<SessionId>& granted) {
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    if (turns_[i].granted || blocked(i)) continue;
    turns_[i].granted = true;
    granted.push_back(turns_[i].session);
  }
}

void TurnQueue::release(const SessionId& session, std::vector<SessionId>& granted) {
  if (std::erase_if(turns_, [&](const Turn& turn) { return turn.session == session; }) > 0) {
    grant(granted);
  }
}

void TurnQueue::expire(BootTime now, std::vector<SessionId>& expired,
                       std::vector<SessionId>& granted) {
  const auto over = [&](const Turn& turn) { return !turn.granted && turn.wait_until <= now; };
  for (const Turn& turn : turns_) {
    if (over(turn)) expired.push_back(turn.session);
  }
  if (std::erase_if(turns_, over) > 0) grant(granted);
}

bool TurnQueue::holds(const SessionId& session) const noexcept {
  return std::any_of(turns_.begin(), turns_.end(),
                     [&](const Turn& turn) { return turn.granted && turn.session == session; });
}

std::optional<SessionId> TurnQueue::holder_for(const SessionId& session) const {
  const auto mine = std::find_if(turns_.begin(), turns_.end(),
                                 [&](const Turn& turn) { return turn.session == session; });
  if (mine == turns_.end() || mine->granted) return std::nullopt;
  for (auto other = turns_.begin(); other != mine; ++other) {
    if (overlap(other->keys, mine->keys)) return other->session;
  }
  return std::nullopt;
}

std::optional<BootTime> TurnQueue::next_expiry() const noexcept {
  std::optional<BootTime> next;
  for (const Turn& turn : turns_) {
    if (!turn.granted && (!next || turn.wait_until < *next)) next = turn.wait_until;
  }
  return next;
}

}  // namespace stillframe::machine

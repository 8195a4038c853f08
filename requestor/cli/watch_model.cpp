#include "requestor/cli/watch_model.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "requestor/cli/event_text.hpp"

namespace stillframe::cli {
namespace {

// Ids of docs/events.md: the numbers are the contract.
constexpr int kWriterRegistered = 2008, kSessionBegun = 2020, kSessionEnded = 2021;
constexpr int kHoldBegun = 2022, kHoldEnded = 2026, kFailed = 2028, kTurnAwaited = 2032;
constexpr int kWriterLeft = 2033;

std::string field(const NumberedEvent& event, const char* name) {
  const auto found = event.record.fields.find(name);
  return found == event.record.fields.end() ? std::string() : found->second;
}

}  // namespace

void WatchModel::note(const NumberedEvent& event) {
  latest_.push_back(event_line(event));
  if (latest_.size() > kLatestMax) latest_.pop_front();
  const std::string id = field(event, "session");
  switch (event.record.id) {
    case kWriterRegistered:
      ++writers_;
      return;
    case kWriterLeft:
      writers_ -= writers_ > 0 ? 1 : 0;
      return;
    case kSessionBegun:
      sessions_[id].requestor = field(event, "requestor");
      sessions_[id].kind = field(event, "kind");
      return;
    case kSessionEnded:
      ++ended_;
      sessions_.erase(id);
      return;
    case kHoldBegun:
      sessions_[id].holds = true;
      return;
    case kHoldEnded: {
      ++holds_;
      const std::string hold_ms = field(event, "hold_ms");
      longest_hold_ms_ = std::max(longest_hold_ms_, std::strtod(hold_ms.c_str(), nullptr));
      Session& session = sessions_[id];
      session.holds = false;
      session.last_hold = hold_ms + " ms, " + field(event, "writers") + " writers";
      return;
    }
    case kFailed:
      ++failures_;
      return;
    case kTurnAwaited:
      sessions_[id].waiting_for = field(event, "holder");
      return;
    default:  // every other event is a line of the list
      return;
  }
}

void WatchModel::set_sessions(const std::vector<SessionInfo>& sessions) {
  std::set<std::string> there;
  for (const SessionInfo& info : sessions) {
    if (info.phase == "ended") continue;
    const std::string id = info.session.to_string();
    there.insert(id);
    Session& session = sessions_[id];
    session.requestor = info.requestor;
    session.kind = info.kind;
    session.phase = info.phase;
    session.since = info.since;
    session.known_phase = true;
    session.waiting_for = info.waiting_for;
  }
  std::erase_if(sessions_, [&](const auto& entry) { return there.count(entry.first) == 0; });
}

std::vector<std::string> WatchModel::draw(BootTime now, std::size_t lines,
                                          std::size_t columns) const {
  std::vector<std::string> picture;
  const bool held = std::any_of(sessions_.begin(), sessions_.end(),
                                [](const auto& entry) { return entry.second.holds; });
  picture.push_back(
      fmt::format("writers {}   sessions {}   {}   holds {}, longest {:.1f} ms   "
                  "ended {}, failed {}",
                  writers_, sessions_.size(), held ? "HELD NOW" : "nothing held", holds_,
                  longest_hold_ms_, ended_, failures_));
  picture.emplace_back();
  picture.push_back(fmt::format("{:<36}  {:<16}  {:<8}  {:<20}  {:>8}  {}", "SESSION", "REQUESTOR",
                                "KIND", "PHASE", "SECONDS", "HOLD"));
  for (const auto& [id, session] : sessions_) {
    const double age = std::chrono::duration<double>(now - session.since).count();
    const std::string hold = session.holds ? "HELD" : session.last_hold;
    const std::string waits =
        session.waiting_for.empty() ? "" : " waits for " + session.waiting_for;
    picture.push_back(fmt::format(
        "{:<36}  {:<16.16}  {:<8}  {:<20}  {:>8}  {}{}", id, session.requestor, session.kind,
        session.phase, session.known_phase ? fmt::format("{:.0f}", age) : "-", hold, waits));
  }
  picture.emplace_back();
  const std::size_t room = lines > picture.size() ? lines - picture.size() : 0;
  const std::size_t shown = std::min(room, latest_.size());
  picture.insert(picture.end(), latest_.end() - static_cast<std::ptrdiff_t>(shown), latest_.end());
  if (picture.size() > lines) picture.resize(lines);
  for (std::string& line : picture)
    if (line.size() > columns) line.resize(columns);
  return picture;
}

}  // namespace stillframe::cli

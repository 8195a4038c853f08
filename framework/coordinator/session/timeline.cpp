#include "framework/coordinator/session/timeline.hpp"

namespace stillframe::coordinator {

void Timeline::begin(machine::CallSeq seq, std::string phase, std::string who, BootTime now) {
  if (entries_.size() >= kEntriesMax) {
    ++dropped_;
    return;
  }
  open_[seq] = entries_.size();
  PhaseTime& entry = entries_.emplace_back();
  entry.phase = std::move(phase);
  entry.who = std::move(who);
  entry.begun = entry.ended = now;
  entry.result = "no_answer";
}

void Timeline::end(machine::CallSeq seq, const Status& result, BootTime now) {
  auto open = open_.find(seq);
  if (open == open_.end()) return;
  PhaseTime& entry = entries_[open->second];
  entry.ended = now;
  entry.result = result.ok() ? "ok" : std::string(to_string(result.error().code()));
  if (!result.ok()) entry.detail = result.error().what();
  open_.erase(open);
}

void Timeline::note(std::string phase, std::string who, const Status& result, std::string detail,
                    BootTime now) {
  PhaseTime& entry = entries_.emplace_back();
  entry.phase = std::move(phase);
  entry.who = std::move(who);
  entry.begun = entry.ended = now;
  entry.result = result.ok() ? "ok" : std::string(to_string(result.error().code()));
  entry.detail = std::move(detail);
}

std::vector<PhaseTime> Timeline::entries() const {
  std::vector<PhaseTime> all = entries_;
  if (dropped_ != 0) {
    PhaseTime& entry = all.emplace_back();
    entry.phase = "timeline";
    entry.result = std::string(to_string(Errc::limit_reached));
    entry.detail = std::to_string(dropped_) + " later steps are not listed";
  }
  return all;
}

}  // namespace stillframe::coordinator

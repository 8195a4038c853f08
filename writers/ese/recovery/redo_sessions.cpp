#include "writers/ese/recovery/redo_sessions.hpp"

#include <algorithm>
#include <iterator>

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kLevelMask = 0xF;
constexpr unsigned kCountShift = 4;

}  // namespace

void RedoSessions::begin_outermost(Procid procid, std::uint8_t levels, bool undone) {
  RedoSession& session = of(procid);
  session.begun = true;
  session.undone = undone;
  session.versions.clear();
  begin(procid, levels);
}

void RedoSessions::begin(Procid procid, std::uint8_t levels) {
  RedoSession& session = of(procid);
  session.level = static_cast<std::uint8_t>((levels & kLevelMask) + (levels >> kCountShift));
}

void RedoSessions::commit(Procid procid, std::uint8_t level) {
  RedoSession& session = of(procid);
  session.level = level;
  for (RedoVersion& version : session.versions) version.level = std::min(version.level, level);
}

void RedoSessions::commit_outermost(Procid procid) {
  RedoSession& session = of(procid);
  session.level = 0;
  session.versions.clear();
}

std::vector<RedoVersion> RedoSessions::rollback(Procid procid, std::uint8_t levels) {
  RedoSession& session = of(procid);
  session.level = static_cast<std::uint8_t>(session.level - std::min(session.level, levels));
  const auto above = std::stable_partition(
      session.versions.begin(), session.versions.end(),
      [&](const RedoVersion& version) { return version.level <= session.level; });
  std::vector<RedoVersion> left(std::make_move_iterator(above),
                                std::make_move_iterator(session.versions.end()));
  session.versions.erase(above, session.versions.end());
  return left;
}

void RedoSessions::leave(Procid procid, std::vector<RedoVersion> versions) {
  for (RedoVersion& version : versions) left_.push_back({procid, std::move(version)});
}

RedoVersion* RedoSessions::find(Procid procid, Rceid rceid) {
  auto& versions = of(procid).versions;
  const auto found = std::find_if(versions.rbegin(), versions.rend(),
                                  [rceid](const auto& version) { return version.rceid == rceid; });
  if (found != versions.rend()) return &*found;
  const auto left = std::find_if(left_.rbegin(), left_.rend(), [&](const Left& each) {
    return each.procid == procid && each.version.rceid == rceid;
  });
  return left == left_.rend() ? nullptr : &left->version;
}

std::optional<RedoVersion> RedoSessions::take(Procid procid, Rceid rceid) {
  RedoVersion* found = find(procid, rceid);
  if (found == nullptr) return {};
  RedoVersion taken = std::move(*found);
  auto& versions = of(procid).versions;
  const auto own = std::find_if(versions.begin(), versions.end(),
                                [&](const RedoVersion& version) { return &version == found; });
  if (own != versions.end()) {
    versions.erase(own);
  } else {
    std::erase_if(left_, [&](const Left& each) { return &each.version == found; });
  }
  return taken;
}

}  // namespace stillframe::ese

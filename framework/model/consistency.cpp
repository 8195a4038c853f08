#include "framework/model/consistency.hpp"

#include <algorithm>

#include "framework/model/enum_names.hpp"

namespace stillframe {
namespace {

std::string quoted(const BytePath& path) {
  return "'" + escape_path(path) + "'";
}

const SnapshotEvidence* find(std::span<const SnapshotEvidence> snapshots, const SnapshotId& id) {
  for (const SnapshotEvidence& snapshot : snapshots) {
    if (snapshot.snapshot == id) return &snapshot;
  }
  return nullptr;
}

// A cut that ended before it began was not measured, whatever the provider says.
bool was_cut(const SnapshotEvidence& snapshot) noexcept {
  return snapshot.cut && snapshot.cut->begun <= snapshot.cut->ended;
}

bool is_at_or_below(const BytePath& path, const BytePath& top) noexcept {
  if (top == "/" || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

// The innermost part that `path` lies in; null when it lies in none.
const CutPart* part_of(const CutRecord& cut, const BytePath& path) noexcept {
  const CutPart* innermost = nullptr;
  for (const CutPart& part : cut.parts) {
    if (!is_at_or_below(path, part.path)) continue;
    if (innermost == nullptr || part.path.size() > innermost->path.size()) innermost = &part;
  }
  return innermost;
}

// Whether all of `places` lie in one part of a cut that was made in parts. Of a component whose
// places are not known, nothing is.
bool is_in_one_part(const CutRecord& cut, const std::vector<FilePlace>& places) noexcept {
  if (cut.parts.size() < 2) return true;
  const CutPart* only = nullptr;
  for (const FilePlace& place : places) {
    const CutPart* part = part_of(cut, place.path);
    if (part == nullptr || (only != nullptr && part != only)) return false;
    only = part;
    const bool reaches_into_another =
        place.recursive &&
        std::any_of(cut.parts.begin(), cut.parts.end(), [&](const CutPart& other) {
          return &other != part && is_at_or_below(other.path, place.path);
        });
    if (reaches_into_another) return false;
  }
  return only != nullptr;
}

// Whether all of `snapshots` show one single instant of what lies at `places`. Providers do not
// share an instant, so several snapshots are one cut only when one provider cuts sets at once and
// cut all of them.
bool is_one_cut(const std::vector<const SnapshotEvidence*>& snapshots,
                const std::vector<FilePlace>& places) noexcept {
  if (snapshots.empty()) return true;
  const auto one_instant_with_first = [&](const SnapshotEvidence* other) {
    return other->atomicity == Atomicity::set && other->cut->parts.size() < 2 &&
           other->provider == snapshots.front()->provider;
  };
  if (snapshots.size() == 1) {
    return snapshots.front()->atomicity != Atomicity::file &&
           is_in_one_part(*snapshots.front()->cut, places);
  }
  return std::all_of(snapshots.begin(), snapshots.end(), one_instant_with_first);
}

// Why the hold proves nothing for these cuts; empty when it proves them.
std::string flaw_of(const std::optional<HoldStatement>& hold,
                    const std::vector<const SnapshotEvidence*>& cuts) {
  if (!hold) return "its writer made no statement about a hold";
  if (!hold->unbroken) {
    return "its hold was broken" +
           (hold->broken_because.empty() ? std::string() : ": " + hold->broken_because);
  }
  if (hold->held_until < hold->held_from) return "its hold ends before it begins";
  for (const SnapshotEvidence* snapshot : cuts) {
    if (!hold_covers(*hold, *snapshot->cut)) {
      return "its hold does not cover the cut of " + quoted(snapshot->volume);
    }
  }
  return {};
}

Label without_hold(const std::vector<const SnapshotEvidence*>& cuts,
                   const std::vector<FilePlace>& places, const std::string& flaw) {
  if (cuts.empty()) {
    return {Consistency::crash_consistent, "it has no files in this backup, and " + flaw};
  }
  if (is_one_cut(cuts, places)) {
    return {Consistency::crash_consistent, "one atomic cut holds all its files, but " + flaw};
  }
  const bool one_by_one = cuts.size() == 1 && cuts.front()->atomicity == Atomicity::file;
  const std::string how =
      one_by_one ? "its files were cut one by one" : "its files were cut at different moments";
  return {Consistency::fuzzy, how + " and " + flaw};
}

}  // namespace

bool hold_covers(const HoldStatement& hold, const CutRecord& cut) noexcept {
  return hold.unbroken && hold.held_from <= cut.begun && cut.begun <= cut.ended &&
         cut.ended <= hold.held_until;
}

Label label_component(const ComponentFacts& facts, std::span<const SnapshotEvidence> snapshots) {
  if (!facts.writer_failure.empty()) {
    return {Consistency::failed, "its writer failed: " + facts.writer_failure};
  }
  if (!facts.uncovered.empty()) {
    return {Consistency::failed,
            "the set does not hold " + quoted(facts.uncovered.front()) + ", where it has files"};
  }
  std::vector<const SnapshotEvidence*> cuts;
  for (const SnapshotId& id : facts.cuts) {
    const SnapshotEvidence* snapshot = find(snapshots, id);
    if (snapshot == nullptr) {
      return {Consistency::failed, "snapshot " + id.to_string() + " is not in the set"};
    }
    if (!was_cut(*snapshot)) {
      return {Consistency::failed, quoted(snapshot->volume) + " was not cut"};
    }
    cuts.push_back(snapshot);
  }
  if (facts.streamed && cuts.empty()) {
    return {Consistency::application_consistent, "its writer delivered every file itself"};
  }
  if (const std::string flaw = flaw_of(facts.hold, cuts); !flaw.empty()) {
    return without_hold(cuts, facts.places, flaw);
  }
  if (facts.hold->asserted_only) {
    return {Consistency::application_asserted,
            "commands said that they held it; nothing else proves it"};
  }
  return {Consistency::application_consistent, "its hold covers every cut of its files"};
}

Label label_set(std::span<const ComponentEvidence> components,
                std::span<const SnapshotEvidence> snapshots) {
  const auto weakest = std::max_element(
      components.begin(), components.end(),
      [](const ComponentEvidence& a, const ComponentEvidence& b) { return a.label < b.label; });
  if (weakest != components.end()) {
    return {weakest->label, "its weakest component is " + weakest->name.full() + ", which is " +
                                std::string(enum_name(weakest->label)) + ": " + weakest->reason};
  }
  std::vector<const SnapshotEvidence*> cuts;
  for (const SnapshotEvidence& snapshot : snapshots) {
    if (!was_cut(snapshot)) {
      return {Consistency::failed, quoted(snapshot.volume) + " was not cut"};
    }
    cuts.push_back(&snapshot);
  }
  if (cuts.empty()) return {Consistency::failed, "nothing was cut"};
  return without_hold(cuts, {}, "no writer was asked to hold");
}

PolicyVerdict judge(Consistency label, ConsistencyPolicy policy) noexcept {
  if (can_be_base(label)) return PolicyVerdict::keep;
  switch (policy) {
    case ConsistencyPolicy::require:
      return PolicyVerdict::fail_set;
    case ConsistencyPolicy::allow_degraded:
      // There is no data behind a failed component to keep.
      return label == Consistency::failed ? PolicyVerdict::leave_out : PolicyVerdict::keep;
    case ConsistencyPolicy::skip:
      return PolicyVerdict::leave_out;
  }
  return PolicyVerdict::fail_set;
}

}  // namespace stillframe

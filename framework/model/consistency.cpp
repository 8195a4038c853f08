#include "framework/model/consistency.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/model/enum_names.hpp"

namespace stillframe {
namespace {

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
// share an instant, so the snapshots of several are never one cut; nor are several of a cut that
// was made in parts.
bool is_one_cut(const std::vector<const SnapshotEvidence*>& snapshots,
                const std::vector<FilePlace>& places) noexcept {
  return std::all_of(snapshots.begin(), snapshots.end(), [&](const SnapshotEvidence* snapshot) {
    return snapshot->provider == snapshots.front()->provider &&
           shows_one_instant(snapshot->atomicity, snapshots.size()) &&
           (snapshots.size() == 1 ? is_in_one_part(*snapshot->cut, places)
                                  : snapshot->cut->parts.size() < 2);
  });
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
      return "its hold does not cover the cut of " + quoted_path(snapshot->volume);
    }
  }
  return {};
}

Proof proof_of(const std::vector<const SnapshotEvidence*>& cuts,
               const std::vector<FilePlace>& places) noexcept {
  Proof proof;
  proof.cut = !cuts.empty();
  proof.one_instant = is_one_cut(cuts, places);
  return proof;
}

// Why a label is no better where no hold proves anything.
std::string reason_without_hold(const std::vector<const SnapshotEvidence*>& cuts,
                                const Proof& proof, const std::string& flaw) {
  if (!proof.cut) return "it has no files in this backup, and " + flaw;
  if (proof.one_instant) return "one atomic cut holds all its files, but " + flaw;
  const bool one_by_one = cuts.size() == 1 && cuts.front()->atomicity == Atomicity::file;
  const std::string how =
      one_by_one ? "its files were cut one by one" : "its files were cut at different moments";
  return how + " and " + flaw;
}

Label lost(std::string reason) {
  Proof proof;
  proof.lost = true;
  return {label_of(proof), std::move(reason)};
}

}  // namespace

Consistency label_of(const Proof& proof) noexcept {
  if (proof.lost) return Consistency::failed;
  if (proof.streamed && !proof.cut) return Consistency::application_consistent;
  if (proof.held) {
    return proof.asserted_only ? Consistency::application_asserted
                               : Consistency::application_consistent;
  }
  return proof.cut && !proof.one_instant ? Consistency::fuzzy : Consistency::crash_consistent;
}

bool hold_covers(const HoldStatement& hold, const CutRecord& cut) noexcept {
  return hold.unbroken && spans(hold.held_from, hold.held_until, cut.begun, cut.ended);
}

Label label_component(const ComponentFacts& facts, std::span<const SnapshotEvidence> snapshots) {
  if (!facts.writer_failure.empty()) return lost("its writer failed: " + facts.writer_failure);
  if (!facts.uncovered.empty()) {
    return lost("the set does not hold " + quoted_path(facts.uncovered.front()) +
                ", where it has files");
  }
  std::vector<const SnapshotEvidence*> cuts;
  for (const SnapshotId& id : facts.cuts) {
    const SnapshotEvidence* snapshot = find(snapshots, id);
    if (snapshot == nullptr) return lost("snapshot " + id.to_string() + " is not in the set");
    if (!was_cut(*snapshot)) return lost(quoted_path(snapshot->volume) + " was not cut");
    cuts.push_back(snapshot);
  }
  Proof proof = proof_of(cuts, facts.places);
  proof.streamed = facts.streamed;
  const std::string flaw = flaw_of(facts.hold, cuts);
  proof.held = flaw.empty();
  proof.asserted_only = facts.hold && facts.hold->asserted_only;

  Label concluded{label_of(proof), {}};
  if (proof.streamed && !proof.cut) {
    concluded.reason = "its writer delivered every file itself";
  } else if (!proof.held) {
    concluded.reason = reason_without_hold(cuts, proof, flaw);
  } else {
    concluded.reason = proof.asserted_only
                           ? "commands said that they held it; nothing else proves it"
                           : "its hold covers every cut of its files";
  }
  return concluded;
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
    if (!was_cut(snapshot)) return lost(quoted_path(snapshot.volume) + " was not cut");
    cuts.push_back(&snapshot);
  }
  if (cuts.empty()) return lost("nothing was cut");
  const Proof proof = proof_of(cuts, {});
  return {label_of(proof), reason_without_hold(cuts, proof, "no writer was asked to hold")};
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

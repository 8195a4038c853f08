// Which label a component and a set deserve: a pure function of what was cut, what was held and who
// failed. Nothing is called application-consistent that its writer's own hold does not prove.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <stillframe/evidence.hpp>

namespace stillframe {

// The rule on bare facts. The session machine decides by it while a session runs; label_component()
// reads the same facts from the evidence and adds the reason.
struct Proof {
  bool lost = false;           // its writer failed it, or something of it is in no cut
  bool cut = false;            // it has files in some snapshot
  bool one_instant = false;    // ... all of them as they were at one moment
  bool held = false;           // its writer's unbroken hold covers every cut
  bool asserted_only = false;  // the hold's, on the word of commands
  bool streamed = false;       // the writer delivered it itself
};
Consistency label_of(const Proof& proof) noexcept;

// Whether something that was held from `from` to `until` did not change from `begun` to `ended`.
constexpr bool spans(BootTime from, BootTime until, BootTime begun, BootTime ended) noexcept {
  return from <= begun && begun <= ended && ended <= until;
}
// Whether that many cuts, all of one provider, show one instant.
constexpr bool shows_one_instant(Atomicity atomicity, std::size_t cuts) noexcept {
  return atomicity == Atomicity::set || (atomicity == Atomicity::volume && cuts == 1);
}

struct Label {
  Consistency label = Consistency::failed;
  std::string reason;  // one sentence: why this label and no better one
  friend bool operator==(const Label&, const Label&) = default;
};

// Where a component has files.
struct FilePlace {
  BytePath path;  // absolute, as the volume's mount point shows it
  bool recursive = false;
  friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

// What is known of one component when its set is judged.
struct ComponentFacts {
  // Why the writer failed this component (a veto, a crash, a failure it reported); empty when it
  // did not.
  std::string writer_failure;
  std::optional<HoldStatement> hold;  // of its writer, around this set's commit
  std::vector<SnapshotId> cuts;       // the snapshots that its files are in
  std::vector<FilePlace> places;      // for cuts that were made in parts
  std::vector<BytePath> uncovered;    // places its files need and the set does not hold
  bool streamed = false;              // the writer delivered all of its files itself, to their end
};

// Whether `hold` proves that nothing of the writer changed from `cut.begun` to `cut.ended`.
bool hold_covers(const HoldStatement& hold, const CutRecord& cut) noexcept;

// `snapshots` are all of the set.
Label label_component(const ComponentFacts& facts, std::span<const SnapshotEvidence> snapshots);

// A set is as good as the weakest component it was asked for. Without any, it is judged by its cuts
// alone and never application-consistent.
Label label_set(std::span<const ComponentEvidence> components,
                std::span<const SnapshotEvidence> snapshots);

// What `policy` makes of a label.
enum class PolicyVerdict { keep = 0, leave_out = 1, fail_set = 2 };
PolicyVerdict judge(Consistency label, ConsistencyPolicy policy) noexcept;

// Only a backup whose data is the application's own idea of a good state can be built upon.
constexpr bool can_be_base(Consistency label) noexcept {
  return label == Consistency::application_consistent || label == Consistency::application_asserted;
}

}  // namespace stillframe

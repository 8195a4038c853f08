// What one component's restore is about to do to its target, written before the first file is
// touched: from it an interrupted restore is resumed or taken back. An ordinary one lies beside the
// target; one that waits for the next boot lies among the pending restores (boot_restore.hpp).
#pragma once

#include <vector>

#include "requestor/restore/placement.hpp"

namespace stillframe::requestor {

inline constexpr std::string_view kRestoreJournalName = "restore.journal";
inline constexpr std::string_view kInterlockName = "restore.env";
inline constexpr std::size_t kRestoreJournalBytesMax = std::size_t{1} << 30;

struct JournalEntry {
  BytePath root, relative;  // the target
  BytePath source;          // original path in the set; empty: an old file that only goes away
  bool existed = false;     // there was an old file, which is moved aside
  bool directory = false;   // one that is missing and has to be made
  std::vector<ByteRange> source_ranges, destination_ranges;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

// How far it is. A restore that is killed goes on from what this says.
enum class RestorePhase {
  copying,   // new files are being written beside their targets, or are being renamed
  staged,    // at boot only: every new file is durable beside its target, no target was touched
  swapping,  // at boot only: old files are moved aside and new ones renamed into place
  swapped,   // every target is new; old files are being removed
};

struct RestoreJournal {
  SessionId session;
  BytePath set;                 // folder of the backup set
  std::uint32_t component = 0;  // index in its manifest
  std::string target;           // "writer:component", for people
  bool staged = false;          // an interlock record goes with it
  RestorePhase phase = RestorePhase::copying;
  bool at_boot = false;   // targets are swapped at the next boot
  std::string boot;       // at boot: during which boot it was staged
  bool keep_old = false;  // old files stay beside the new ones
  std::vector<Sweep> sweeps;
  std::vector<JournalEntry> entries;
  friend bool operator==(const RestoreJournal&, const RestoreJournal&) = default;

  // Names, beside the target, of its old file and of the new one while it is written.
  BytePath aside_name(std::size_t entry) const;
  BytePath new_name(std::size_t entry) const;
};

std::string to_json(const RestoreJournal& journal);
Result<RestoreJournal> parse_restore_journal(std::string_view json);

// Looks at the disk for what is there now.
Result<RestoreJournal> make_journal(const SessionId& session, const BytePath& set,
                                    std::uint32_t component, const Placement& placement);
// The same again for a journal that waited: which targets exist by now, and what else is swept.
Status look_again(RestoreJournal& journal);

// Durable when it returns. in_progress when `folder` has one of another restore.
Status write_journal(const BytePath& folder, const RestoreJournal& journal);
Result<RestoreJournal> read_journal(const BytePath& folder);  // not_found when there is none
Status remove_journal(const BytePath& folder);

}  // namespace stillframe::requestor

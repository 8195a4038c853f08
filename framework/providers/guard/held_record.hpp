// The record of what a guard pair holds or is about to hold: one small file in a directory that a
// reboot empties, written before the first FIFREEZE and unlinked after the last FITHAW. A start-up
// reads the directory and thaws what dead pairs left behind.
//
// The file is text, one fact a line, closed by `end`:
//
//   stillframe-held 1
//   boot 0f0c…            the kernel's boot id; a record of another boot holds nothing
//   client 812 9001       process id and start time (clock ticks since boot, /proc/PID/stat)
//   keeper 813 9002
//   holder 814 9003
//   lease_ms 5000
//   fs 7:0 /srv/data      superblock device and mount point as escape_path() writes it
//   end
//
// It appears under its name by rename, so a reader meets whole records; one without `end`, with an
// unknown version or an unknown fact is reported and left alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/providers/guard/file_system_id.hpp"

namespace stillframe::guard {

inline constexpr std::size_t kHeldRecordBytesMax = 1 << 20;

// A process that may have ended and whose number may belong to another one now.
struct ProcessRef {
  std::int32_t pid = 0;
  std::uint64_t start_ticks = 0;
  friend bool operator==(const ProcessRef&, const ProcessRef&) = default;
};

ProcessRef process_ref(std::int32_t pid);
bool is_running(const ProcessRef& process);  // a zombie does not run

struct HeldFileSystem {
  FileSystemId id;
  BytePath mount_point;
  friend bool operator==(const HeldFileSystem&, const HeldFileSystem&) = default;
};

struct HeldRecord {
  std::string boot_id;
  ProcessRef client, keeper, holder;
  std::chrono::milliseconds lease{0};
  std::vector<HeldFileSystem> file_systems;
  friend bool operator==(const HeldRecord&, const HeldRecord&) = default;
};

std::string this_boot_id();
std::string to_text(const HeldRecord& record);
Result<HeldRecord> parse_held_record(std::string_view text);

// Makes `directory` (0700) where it is missing and writes the record; answers its path.
Result<BytePath> write_held_record(const BytePath& directory, const HeldRecord& record);

struct RecordedThaw {
  enum class Outcome {
    thawed,      // it was frozen and no longer is
    not_frozen,  // nothing to do
    left_alone,  // its client lives and answers for it
    failed,      // may still be frozen: `message` says why
  };
  BytePath record;
  BytePath mount_point;  // empty when the record as a whole is meant
  Outcome outcome = Outcome::failed;
  std::string message;
};

// For start-up, and for ExecStopPost of the unit the guards run in: thaws what records of dead
// clients list. A pair that outlived its client gets its lease and a second to thaw by itself, then
// is killed. Records of other boots are removed. A directory that is not there is an empty answer.
Result<std::vector<RecordedThaw>> thaw_recorded(const BytePath& directory);

}  // namespace stillframe::guard

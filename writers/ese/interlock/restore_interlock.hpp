// What keeps an instance from starting, and other restores away, from the registration of a restore
// to its end: the record in the folder of the instance's logs. Whoever changes it has that folder
// to himself meanwhile. Each change is whole and durable when its call returns; a crash leaves the
// record from before or the one from after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/interlock/restore_record.hpp"

namespace stillframe::ese {

BytePath restore_record_path(const BytePath& logs);

// None if no restore is registered. Errors as decode_restore_record() has them.
Result<std::optional<RestoreRecord>> read_restore_record(Files& files, const BytePath& logs);

// RestoreInProgress while one is registered, whatever has become of it and whether or not its
// record can be read: for who would restore in another way.
Status check_no_restore(Files& files, const BytePath& logs);

// Replaces the record of one that failed or has ended. RestoreInProgress.
Status register_restore(Files& files, const RestoreRecord& record);
// `result` 0: all files are in place. wrong_state for another registration's record, or none, and
// when it was told before.
Status complete_restore(Files& files, const BytePath& logs, RestoreId id, std::uint32_t result);

// What an administrator may decide. The next start recovers what is in place, although nobody said
// that it is all there. wrong_state without a record that can be read, or when there is nothing to
// decide.
Status resume_restore(Files& files, const BytePath& logs);
// The record goes, and with it what recovery of files from a backup has to know. A record that is
// damaged goes too; that of somebody else stays (not_supported).
Status abandon_restore(Files& files, const BytePath& logs);

// For the start of an instance.
Status write_restore_record(Files& files, const BytePath& logs, const RestoreRecord& record);
Status remove_restore_record(Files& files, const BytePath& logs);

// What to do about a registered restore that nobody ends, for messages.
std::string restore_way_out(const BytePath& logs);

}  // namespace stillframe::ese

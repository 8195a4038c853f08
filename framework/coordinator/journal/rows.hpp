// Values the journal keeps as JSON text inside a row.
#pragma once

#include "framework/coordinator/journal/journal.hpp"

namespace stillframe::coordinator {

std::string snapshot_to_row(const SnapshotInfo& info);
Result<SnapshotInfo> snapshot_from_row(const std::string& row);

// Type and component only; the rest are columns of their own.
std::string restore_to_row(const JournalledRestore& restore);
Result<JournalledRestore> restore_from_row(const std::string& row);

}  // namespace stillframe::coordinator

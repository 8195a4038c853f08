// The journal's tables, and what changed between their versions.
#pragma once

#include "framework/coordinator/journal/sqlite.hpp"

namespace stillframe::coordinator {

inline constexpr int kJournalVersion = 1;
// "SFJ1": tells our file from any other SQLite database.
inline constexpr int kJournalApplicationId = 0x53464a31;

// Checks what is in the file and brings it to kJournalVersion. Refuses files of somebody else
// (corrupt), of a later program (future_version) and damaged ones (corrupt).
Status prepare_schema(Database& db);

}  // namespace stillframe::coordinator

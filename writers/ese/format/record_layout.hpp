// The numbers in a record that reading and writing it have in common.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stillframe::ese {

inline constexpr std::size_t kRecordHeaderBytes = 4, kTaggedEntryBytes = 4;
inline constexpr std::uint16_t kNoVariableColumn = 127;
inline constexpr std::uint16_t kVariableColumnNull = 0x8000;

// Beside the offset of a tagged value; above 8 KiB only the last.
inline constexpr std::uint16_t kTaggedSmallNull = 0x2000, kTaggedSmallHasHeader = 0x4000;
inline constexpr std::uint16_t kTaggedOfTemplate = 0x8000;

// The byte before a tagged value.
inline constexpr unsigned kTaggedLong = 0x01, kTaggedCompressed = 0x02, kTaggedSeparated = 0x04,
                          kTaggedMultiple = 0x08, kTaggedTwo = 0x10, kTaggedNull = 0x20,
                          kTaggedEncrypted = 0x40;
inline constexpr std::uint16_t kOneOfManySeparated = 0x8000;

}  // namespace stillframe::ese

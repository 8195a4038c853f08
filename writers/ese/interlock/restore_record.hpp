// The record of a restore that was registered, and what has become of it. docs/formats/
// restore-record.md has the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/hard_restore.hpp"

namespace stillframe::ese {

enum class RestoreState {
  registered,  // files are being put in place
  copied,      // they are; the next start recovers them
  failed,      // they are not, and will not be
  recovering,  // a start has checked all of them, and has begun
  recovered,   // it has ended
};
inline constexpr int kRestoreStates = 5;
std::string_view name_of(RestoreState state) noexcept;

// Tells one registration from the next.
enum class RestoreId : std::uint64_t {};

struct RestoreRecord {
  RestoreId id{};
  RestoreState state = RestoreState::registered;
  std::uint32_t result = 0;  // with which it failed; 0 in every other state
  std::string base = "edb";
  BytePath checkpoint;  // the folders, as they were registered
  BytePath logs;
  BytePath set;
  Generation low = Generation::none, high = Generation::none;
  std::vector<RestoredPath> databases;
};
bool operator==(const RestoreRecord& a, const RestoreRecord& b);

inline constexpr std::size_t kRestoreRecordBytesMax = std::size_t{1} << 20;
// Of logs, by the names of their files.
inline constexpr std::int32_t kRestoreGenerationMax = 0xFFFFF;

// Refuses (invalid_argument) what no record may hold, and so what decode would not take back.
Result<std::string> encode_restore_record(const RestoreRecord& record);
// `name` is the record's, for errors: corrupt, truncated (it ends before its checksum does),
// future_version; not_supported for a record of somebody else.
Result<RestoreRecord> decode_restore_record(std::string_view text, std::string_view name);

}  // namespace stillframe::ese

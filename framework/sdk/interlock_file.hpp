// The interlock record as bytes, and how it is put in its place. docs/interlock.md says the same
// for other programs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <stillframe/writer_host.hpp>

namespace stillframe {

inline constexpr const char* kInterlockName = "restore.env";
inline constexpr std::size_t kInterlockBytesMax = std::size_t{16} << 20;

std::string write_interlock_text(const InterlockRecord& record);
// truncated: the text ends early; corrupt: it is no interlock record; future_version: a newer one.
Result<InterlockRecord> parse_interlock_text(std::string_view text);

// Told of each step of placing a record, so that a test can die there.
using InterlockSteps = std::function<void(std::string_view step)>;

// Writes the record beside its place, syncs it, gives it its name in one step and syncs the
// directory. Without `replace` a record that is there already wins: interlocked.
Status place_interlock(const BytePath& dir, const InterlockRecord& record, bool replace,
                       const InterlockSteps& at);

}  // namespace stillframe

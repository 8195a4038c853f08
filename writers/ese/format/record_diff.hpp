// The difference between a node's old and new data, as ReplaceD records hold it.
// docs/formats/log-records.md has the bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

// How positions and flags are packed: narrow in databases with pages of up to 8 KiB, wide above.
enum class DiffForm { narrow, wide };

// The new data; none when the stream does not fit the old data, or makes more than `bytes_max`.
std::optional<std::vector<std::byte>> apply_diff(Bytes diff, DiffForm form, Bytes old_data,
                                                 std::size_t bytes_max);

// A stream that turns `old_data` into `new_data`. None when there is none that is shorter than
// `new_data` by more than it costs to tell, or when the data is too long for `form`: the caller
// then logs all of the new data. Linear time in the data's length.
std::optional<std::vector<std::byte>> make_diff(Bytes old_data, Bytes new_data, DiffForm form);

}  // namespace stillframe::ese

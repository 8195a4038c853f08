// Keys from column values, so that they sort as bytes. docs/formats/keys.md has the rules.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/row.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

using Key = std::vector<std::byte>;

// Appends the segment of one value (none: null) to `key`, in at most the index's number of bytes.
// unicode_translation_fail for Unicode text, whose sort keys only Windows makes.
Status append_segment(const Index& index, const IndexSegment& segment, const Column& column,
                      std::optional<Bytes> value, Key& key);

// Whether the keys of `index` can be made here: no Unicode text, no pieces of columns, none left
// out because the index is not filled yet.
bool can_make_keys(const Table& table, const Index& index);

// Every key that `record` has in `index`: none when nulls or conditions leave it out, several when
// a column has several values and the index takes all of them.
Result<std::vector<Key>> make_keys(RowReader& reader, const Table& table, const Index& index,
                                   const RecordView& record);

}  // namespace stillframe::ese

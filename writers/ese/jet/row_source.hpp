// The row that values are retrieved from: the one a cursor is on, or the one it prepares.
#pragma once

#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/jet/jet_cursor.hpp"

namespace stillframe::ese::jet {

class RowSource {
 public:
  // NoCurrentRecord, RecordDeleted. With `copy` the row that is being prepared, if one is.
  static Result<RowSource> of(const Now& now, JetCursor& cursor, bool copy);

  // With `ignore_default` a value that is only its column's default is none.
  Result<Values> values(const Column& column, bool ignore_default) const;

 private:
  RowSource(const Now& now, JetCursor& cursor, std::vector<std::byte> record,
            const CopyBuffer* copy)
      : now_(now), cursor_(&cursor), record_(std::move(record)), copy_(copy) {}

  Now now_;
  JetCursor* cursor_;
  std::vector<std::byte> record_;
  const CopyBuffer* copy_;  // null: from the record
};

}  // namespace stillframe::ese::jet

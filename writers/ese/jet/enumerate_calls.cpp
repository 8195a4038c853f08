// JetEnumerateColumns: all values of a row at once, in memory that the caller's function gives.
#include <algorithm>
#include <cstring>
#include <vector>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/row_source.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kEnumerateBits = JET_bitEnumerateCopy | JET_bitEnumerateIgnoreDefault |
                                     JET_bitEnumeratePresenceOnly | JET_bitEnumerateTaggedOnly |
                                     JET_bitEnumerateCompressOutput;

struct Allocator {
  JET_PFNREALLOC function;
  void* context;

  void* allocate(std::size_t bytes) const {
    void* memory = function(context, nullptr, static_cast<std::uint32_t>(bytes));
    if (memory != nullptr) std::memset(memory, 0, bytes);
    return memory;
  }
  void free(void* memory) const {
    if (memory != nullptr) function(context, memory, 0);
  }
};

// What is given out, until keep(): then it is the caller's to free.
class Output {
 public:
  explicit Output(const Allocator& allocator) : allocator_(allocator) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    for (void* each : given_) allocator_.free(each);
  }

  template <class Element>
  Result<Element*> array(std::size_t count) {
    given_.reserve(given_.size() + 1);
    void* memory = allocator_.allocate(std::max<std::size_t>(1, count * sizeof(Element)));
    if (memory == nullptr) return jet_error(JET_errOutOfMemory, "the caller has no memory for it");
    given_.push_back(memory);
    return static_cast<Element*>(memory);
  }
  void keep() { given_.clear(); }

 private:
  const Allocator allocator_;
  std::vector<void*> given_;
};

struct Request {
  const JET_ENUMCOLUMNID* ids = nullptr;
  std::uint32_t count = 0;
  std::uint32_t bytes_most = 0;
  JET_GRBIT grbit = 0;

  bool has(JET_GRBIT bit) const { return (grbit & bit) != 0; }
};

// The data of one value, and what is to be said of it.
struct Copied {
  JET_ERR err = JET_errSuccess;
  std::uint32_t bytes = 0;
  void* data = nullptr;
};

Result<Copied> copy_value(const Value& value, const Request& request, Output& output) {
  Copied copied;
  const std::size_t taken = std::min<std::size_t>(value.size(), request.bytes_most);
  copied.bytes = static_cast<std::uint32_t>(taken);
  if (taken < value.size()) copied.err = JET_wrnColumnTruncated;
  const auto memory = output.array<std::byte>(taken);
  if (!memory.ok()) return memory.error();
  std::copy_n(value.begin(), taken, memory.value());
  copied.data = memory.value();
  return copied;
}

// The value at each place that is asked for; null: there is none.
std::vector<std::pair<std::uint32_t, const Value*>> choose(const Values& values,
                                                           const JET_ENUMCOLUMNID* id) {
  std::vector<std::pair<std::uint32_t, const Value*>> chosen;
  if (id != nullptr && id->ctagSequence > 0) {
    for (std::uint32_t i = 0; i < id->ctagSequence; ++i) {
      const std::uint32_t itag = id->rgtagSequence[i];
      const bool there = itag > 0 && itag <= values.size();
      chosen.emplace_back(itag, there ? &values[itag - 1] : nullptr);
    }
    return chosen;
  }
  for (std::uint32_t i = 0; i < values.size(); ++i) chosen.emplace_back(i + 1, &values[i]);
  return chosen;
}

Status fill_column(const Values& values, const JET_ENUMCOLUMNID* id, const Request& request,
                   JET_ENUMCOLUMN& column, Output& output) {
  if (request.has(JET_bitEnumeratePresenceOnly)) {
    column.err = values.empty() ? JET_wrnColumnNull : JET_wrnColumnPresent;
    return Ok{};
  }
  const auto chosen = choose(values, id);
  if (chosen.empty()) {
    column.err = JET_wrnColumnNull;
    return Ok{};
  }
  const bool whole = chosen.size() == 1 && chosen.front().second != nullptr &&
                     chosen.front().second->size() <= request.bytes_most;
  if (request.has(JET_bitEnumerateCompressOutput) && whole) {
    const auto copied = copy_value(*chosen.front().second, request, output);
    if (!copied.ok()) return copied.error();
    column.err = JET_wrnColumnSingleValue;
    column.cbData = copied.value().bytes;
    column.pvData = copied.value().data;
    return Ok{};
  }
  const auto list = output.array<JET_ENUMCOLUMNVALUE>(chosen.size());
  if (!list.ok()) return list.error();
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    JET_ENUMCOLUMNVALUE& value = list.value()[i];
    value.itagSequence = chosen[i].first;
    value.err = JET_wrnColumnNull;
    if (chosen[i].second == nullptr) continue;
    const auto copied = copy_value(*chosen[i].second, request, output);
    if (!copied.ok()) return copied.error();
    value.err = copied.value().err;
    value.cbData = copied.value().bytes;
    value.pvData = copied.value().data;
  }
  column.cEnumColumnValue = static_cast<std::uint32_t>(chosen.size());
  column.rgEnumColumnValue = list.value();
  return Ok{};
}

struct Chosen {
  Column column;
  const JET_ENUMCOLUMNID* id;
  Values values;
};

// Those that are asked for, or all that have a value.
Result<std::vector<Chosen>> choose_columns(const Now& now, JetCursor& cursor, const RowSource& row,
                                           const Request& request) {
  std::vector<Chosen> chosen;
  const bool ignore_default = request.has(JET_bitEnumerateIgnoreDefault);
  const auto add = [&](const Column& column, const JET_ENUMCOLUMNID* id) -> Status {
    auto values = row.values(column, ignore_default);
    if (!values.ok()) return values.error();
    if (id == nullptr && values.value().empty()) return Ok{};
    chosen.push_back({column, id, std::move(values).value()});
    return Ok{};
  };
  for (std::uint32_t i = 0; i < request.count; ++i) {
    const auto column = cursor.column(now, request.ids[i].columnid);
    if (!column.ok()) return column.error();
    if (Status s = add(column.value(), &request.ids[i]); !s.ok()) return s.error();
  }
  if (request.count > 0) return chosen;
  const auto table = cursor.definition(now);
  if (!table.ok()) return table.error();
  for (const Column& column : table.value()->columns) {
    if (column.type == ColumnType::none) continue;
    if (request.has(JET_bitEnumerateTaggedOnly) && !is_tagged(column.id)) continue;
    if (Status s = add(column, nullptr); !s.ok()) return s.error();
  }
  return chosen;
}

Answer enumerate(const Now& now, JetCursor& cursor, const Request& request, Output& output,
                 std::uint32_t* count, JET_ENUMCOLUMN** columns) {
  const auto row = RowSource::of(now, cursor, request.has(JET_bitEnumerateCopy));
  if (!row.ok()) return row.error();
  const auto chosen = choose_columns(now, cursor, row.value(), request);
  if (!chosen.ok()) return chosen.error();
  const auto list = output.array<JET_ENUMCOLUMN>(chosen.value().size());
  if (!list.ok()) return list.error();
  for (std::size_t i = 0; i < chosen.value().size(); ++i) {
    const Chosen& each = chosen.value()[i];
    list.value()[i].columnid = static_cast<JET_COLUMNID>(each.column.id);
    Status filled = fill_column(each.values, each.id, request, list.value()[i], output);
    if (!filled.ok()) return filled.error();
  }
  *count = static_cast<std::uint32_t>(chosen.value().size());
  *columns = list.value();
  output.keep();
  return success();
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetEnumerateColumns(JET_SESID sesid, JET_TABLEID tableid, uint32_t cEnumColumnId,
                                    JET_ENUMCOLUMNID* rgEnumColumnId, uint32_t* pcEnumColumn,
                                    JET_ENUMCOLUMN** prgEnumColumn, JET_PFNREALLOC pfnRealloc,
                                    void* pvReallocContext, uint32_t cbDataMost, JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) -> Answer {
    const bool ids_there = cEnumColumnId == 0 || rgEnumColumnId != nullptr;
    if (pcEnumColumn == nullptr || prgEnumColumn == nullptr || pfnRealloc == nullptr ||
        !ids_there) {
      return jet_error(JET_errInvalidParameter, "a place for the result, or a list, is missing");
    }
    *pcEnumColumn = 0;
    *prgEnumColumn = nullptr;
    if ((grbit & ~kEnumerateBits) != 0) {
      return jet_error(JET_errInvalidGrbit, "JetEnumerateColumns has no such option");
    }
    const Request request{rgEnumColumnId, cEnumColumnId, cbDataMost, grbit};
    Output output(Allocator{pfnRealloc, pvReallocContext});
    return session.read([&](const Now& now) {
      return enumerate(now, cursor, request, output, pcEnumColumn, prgEnumColumn);
    });
  });
}

}  // extern "C"

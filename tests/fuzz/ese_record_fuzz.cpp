// link: stillframe_ese_format
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/record.hpp"

// The first byte chooses the layout.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::ese;
  if (size == 0) return 0;
  const Bytes record(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const auto view = RecordView::open(record, data[0] % 2 != 0);
  if (!view.ok()) return 0;
  std::size_t sum = 0;
  for (std::uint16_t id = kFixedFirst; id <= view.value().last_fixed(); ++id) {
    sum += view.value().fixed_is_null(ColumnId{id}) ? 1 : 0;
    if (const auto bytes = view.value().fixed(4U + id, 4)) sum += bytes->size();
  }
  for (std::uint16_t id = kVariableFirst; id <= view.value().last_variable(); ++id) {
    if (const auto bytes = view.value().variable(ColumnId{id})) sum += bytes->size();
  }
  for (std::size_t i = 0; i < view.value().tagged_count(); ++i) {
    const auto column = view.value().tagged(i);
    if (!column.ok()) continue;
    for (const StoredValue& value : column.value().values) {
      if (value.separated) sum += value.lid().value;
    }
  }
  return static_cast<int>(sum & 0);
}

// link: stillframe_ese_log
// One record: what is measured as whole can be shown, and its parts fill it.
#include <cstdint>

#include "framework/base/check.hpp"
#include "writers/ese/format/log_lint.hpp"
#include "writers/ese/format/record_show.hpp"

using namespace stillframe;
using namespace stillframe::ese;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const RecordSpan span = measure_record(bytes);
  if (span.read != RecordRead::whole) {
    if (!bytes.empty()) (void)record_error(span.read, bytes, "fuzz.log", {});
    return 0;
  }
  STILLFRAME_CHECK(span.bytes <= size, "a record is longer than what holds it");
  const Bytes record = bytes.first(span.bytes);
  std::size_t in_parts = 0;
  show_record(record, [&](std::string_view, const FieldValue& value) {
    if (const auto* part = std::get_if<Bytes>(&value)) in_parts += part->size();
  });
  STILLFRAME_CHECK(in_parts <= record.size(), "the parts of a record are longer than it");
  LogLinter linter;
  linter.add({{}, {}, record, 4096});
  linter.add({{}, {}, record, 4096});
  return 0;
}

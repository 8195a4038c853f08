// link: stillframe_ese_interlock
// Any bytes as the record of a restore: an error with one of four codes, or a record whose text is
// these bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "writers/ese/interlock/restore_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = ese::decode_restore_record(text, "restore.env");
  if (!record.ok()) {
    const Errc code = record.error().code();
    const bool known = code == Errc::corrupt || code == Errc::truncated ||
                       code == Errc::future_version || code == Errc::not_supported;
    if (!known) std::abort();
    return 0;
  }
  const auto again = ese::encode_restore_record(record.value());
  if (!again.ok() || again.value() != text) std::abort();
  return 0;
}

// link: stillframe_sdk
// Any bytes as an interlock record: an error with one of three codes, or a record that survives
// being written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/sdk/interlock_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  auto record = parse_interlock_text({reinterpret_cast<const char*>(data), size});
  if (!record.ok()) {
    const Errc code = record.error().code();
    if (code != Errc::corrupt && code != Errc::truncated && code != Errc::future_version) {
      std::abort();
    }
    return 0;
  }
  auto again = parse_interlock_text(write_interlock_text(record.value()));
  if (!again.ok() || !(again.value() == record.value())) std::abort();
  return 0;
}

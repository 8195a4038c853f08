// link: stillframe_guard
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/providers/guard/held_record.hpp"

// Whatever is accepted must say the same after a round trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::guard;
  auto first = parse_held_record({reinterpret_cast<const char*>(data), size});
  if (!first.ok()) return 0;
  auto second = parse_held_record(to_text(first.value()));
  if (!second.ok() || !(second.value() == first.value())) std::abort();
  return 0;
}

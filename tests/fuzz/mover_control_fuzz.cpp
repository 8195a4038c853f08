// link: stillframe_remote
// Any packet between a daemon and a mover, in either direction: refused, or understood so that it
// can be written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/remote/mover_control.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  if (auto message = decode_to_mover(packet); message.ok()) {
    if (!decode_to_mover(encode(message.value())).ok()) std::abort();
  }
  if (auto message = decode_from_mover(packet); message.ok()) {
    if (!decode_from_mover(encode(message.value())).ok()) std::abort();
  }
  (void)parse_mover_ticket(packet);
  return 0;
}

// link: stillframe_remote
// Any first bytes of a TCP connection: the answer must not depend on how they were cut, and a name
// of another machine is refused or can be written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/remote/arrival.hpp"
#include "framework/remote/remote_address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool decided = false;
  for (std::size_t cut = 0; cut <= size && cut <= kMoverPreambleBytes; ++cut) {
    auto judged = judge_arrival(bytes.substr(0, cut));
    const bool now = !judged.ok() || judged.value().has_value();
    if (decided && !now) std::abort();
    decided = now;
    if (judged.ok() && judged.value() && judged.value()->kind == Arrival::Kind::mover &&
        mover_preamble(judged.value()->mover) != bytes.substr(0, kMoverPreambleBytes))
      std::abort();
  }
  if (auto address = parse_remote_address(bytes); address.ok()) {
    auto again = parse_remote_address(to_string(address.value()));
    if (!again.ok() || again.value() != address.value()) std::abort();
  }
  (void)parse_mover_name(bytes);
  return 0;
}

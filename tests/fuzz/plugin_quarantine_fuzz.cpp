// link: stillframe_daemon_host_files
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/daemon/hosts/quarantine_file.hpp"

// Whatever is accepted must say the same after a round trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::daemon;
  auto first = parse_quarantine({reinterpret_cast<const char*>(data), size});
  if (!first.ok()) return 0;
  auto second = parse_quarantine(quarantine_text(first.value()));
  if (!second.ok() || second.value() != first.value()) std::abort();
  return 0;
}

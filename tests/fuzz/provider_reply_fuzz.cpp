// link: stillframe_provider_host
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "framework/providers/host/provider_calls.hpp"

// A provider's program may write anything.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  bool is_reply = false;
  auto reply = parse_provider_reply({reinterpret_cast<const char*>(data), size}, is_reply);
  if (!is_reply && reply.ok()) std::abort();
  if (!reply.ok()) {
    for (const char c : reply.error().what()) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();  // it ends up in logs
    }
    return 0;
  }
  (void)read_snapshots(reply.value());
  (void)read_estimate(reply.value());
  (void)read_cuts(reply.value());
  return 0;
}

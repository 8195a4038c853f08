// link: stillframe_requestor_store
// Whatever bytes come: no crash, and what is accepted says the same after another round.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "requestor/store/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::requestor;
  const auto manifest = parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest.ok()) return 0;
  const auto again = parse_manifest(to_json(manifest.value()));
  if (!again.ok() || !(again.value() == manifest.value())) std::abort();
  return 0;
}

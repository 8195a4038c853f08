// link: stillframe_requestor_store
// Any bytes as a set's outcome.json: an error, or an outcome that says the same after another
// round.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "requestor/store/backup_set.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::requestor;
  const auto outcome = parse_outcome({reinterpret_cast<const char*>(data), size});
  if (!outcome.ok()) return 0;
  const std::string text = to_json(outcome.value());
  const auto again = parse_outcome(text);
  if (!again.ok() || to_json(again.value()) != text) std::abort();
  return 0;
}

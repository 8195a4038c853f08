// link: stillframe_model
// The machine's exclude lists: what is read can be used, and stays within its bounds.
#include <cstdint>
#include <string_view>

#include "framework/base/check.hpp"
#include "framework/model/exclude_list.hpp"
#include "framework/model/exclusion.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const MachinePlaces places{{"/people/a", "/people/$b"}, {"/", "/srv"}};
  const auto list = parse_exclude_list(input, "list", places);
  if (!list.ok()) return 0;
  STILLFRAME_CHECK(list.value().size() <= kExcludeListEntriesMax, "a list beyond its limit");
  const auto ready = ExclusionList::make(list.value(), {});
  STILLFRAME_CHECK(ready.ok(), "a list that was read cannot be used");
  (void)ready.value().excludes("/people/a", "x");
  return 0;
}

// link: stillframe_dedup_restore
// Reads the input as the UTF-16 text of a path. What is taken is of bounded length and comes back
// as the same path.
#include <cstdint>
#include <cstring>
#include <string>

#include "framework/base/check.hpp"
#include "writers/dedup/restore/com_text.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::u16string units(size / 2, u'\0');
  if (!units.empty()) std::memcpy(units.data(), data, units.size() * 2);
  const BSTR text = SysAllocStringLen(units.data(), static_cast<std::uint32_t>(units.size()));
  const auto path = dedup::path_of_text(text);
  SysFreeString(text);
  if (!path.ok()) return 0;
  STILLFRAME_CHECK(path.value().size() <= kBytePathBytesMax, "a path of bounded length");
  const auto again = dedup::ComText::of_path(path.value());
  STILLFRAME_CHECK(dedup::path_of_text(again.get()).value() == path.value(), "the same path");
  return 0;
}

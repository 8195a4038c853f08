// link: stillframe_ese_log
// The first byte picks the form and how much of the rest is old data; what follows is a difference,
// and new data to make one for.
#include <algorithm>
#include <cstdint>

#include "framework/base/check.hpp"
#include "writers/ese/format/record_diff.hpp"

using namespace stillframe;
using namespace stillframe::ese;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::size_t kMax = 65536;
  const Bytes all(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const DiffForm form = data[0] % 2 == 0 ? DiffForm::narrow : DiffForm::wide;
  const std::size_t split = all.size() * (data[0] / 2u) / 128;
  const Bytes old_data = all.first(split), rest = all.subspan(split);
  const auto applied = apply_diff(rest, form, old_data, kMax);
  STILLFRAME_CHECK(!applied || applied->size() <= kMax, "a difference made too much");
  const auto made = make_diff(old_data, rest, form);
  if (!made) return 0;
  const auto back = apply_diff(*made, form, old_data, kMax);
  STILLFRAME_CHECK(back && std::equal(back->begin(), back->end(), rest.begin(), rest.end()),
                   "a difference does not give the new data");
  return 0;
}

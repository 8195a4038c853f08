// link: stillframe_ese_format
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/database_header.hpp"

// The start of a file, as it is and with the checksum it should have, so that what lies behind the
// checksum is reached.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::ese;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  (void)find_header(input, "fuzz");
  std::vector<std::byte> start(4096);
  std::copy_n(input.begin(), std::min(size, start.size()), start.begin());
  store_le(start.data() + 4, kHeaderMagic);
  store_le(start.data() + 236, std::uint32_t{4096});
  store_le(start.data(), xor_checksum(start));
  const auto found = find_header(start, "fuzz");
  return found.ok() && found.value().header.page_size() != 4096 ? 1 : 0;
}

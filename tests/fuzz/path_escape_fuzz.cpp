// link: stillframe_base
// Any bytes escape to UTF-8 that comes back; any text that unescapes is the escape of its bytes.
#include <cstdint>
#include <string_view>

#include <stillframe/byte_path.hpp>

#include "framework/base/byte_text.hpp"
#include "framework/base/check.hpp"
#include "framework/base/utf8.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto path = unescape_path(input);
  if (path.ok()) STILLFRAME_CHECK(escape_path(path.value()) == input, "two escapes for one path");
  const std::string text = escape_bytes(input);
  STILLFRAME_CHECK(is_utf8(text), "an escape that is no UTF-8");
  const auto back = unescape_bytes(text);
  STILLFRAME_CHECK(back.ok() && back.value() == input, "bytes that do not come back");
  return 0;
}

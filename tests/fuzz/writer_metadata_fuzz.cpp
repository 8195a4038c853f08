// link: stillframe_model
// Whatever is read as a document is written and read again unchanged.
#include <cstdint>
#include <string_view>

#include <stillframe/documents.hpp>

#include "framework/base/check.hpp"
#include "framework/model/validate.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = parse_writer_metadata(text);
  if (!document.ok()) return 0;
  (void)validate(document.value()).ok();
  const auto again = parse_writer_metadata(to_json(document.value()));
  STILLFRAME_CHECK(again.ok() && again.value() == document.value(), "a document changed");
  return 0;
}

// link: stillframe_script_file
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "writers/script/session_protocol.hpp"

// A hold is proven only by a line that begins with HELD.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::script;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  auto answer = parse_session_answer(line);
  if (!answer.ok()) return 0;
  if (answer.value().kind == SessionAnswer::Kind::held && !line.starts_with("HELD")) std::abort();
  for (const char c : answer.value().reason) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}

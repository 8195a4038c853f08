// link: stillframe_wire
// Any bytes, in any split: the reader answers with messages or one lasting error, and what it
// accepted can be encoded again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/wire/frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::wire;
  if (size == 0) return 0;
  // The first byte chooses the size of the pieces.
  const std::size_t piece = 1 + data[0] % 61;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  FrameReader reader;
  if ((data[0] & 0x80) != 0) reader.handshake_done();
  bool broken = false;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const bool ok = reader.feed(stream.substr(at, piece)).ok();
    if (broken && ok) std::abort();  // an error must last
    broken = broken || !ok;
    while (auto message = reader.next()) {
      if (!encode_frames(*message).ok()) std::abort();
    }
  }
  if (broken && reader.finish().ok()) std::abort();
  return 0;
}

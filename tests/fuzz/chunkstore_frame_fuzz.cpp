// link: stillframe_chunkstore
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "framework/chunkstore/frame.hpp"

// Reads the input as a frame, as it is and with its checksums put right, so that what lies behind
// them is reached too. Chunks of a frame that is taken lie within it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::chunkstore;
  static FrameCodec codec;
  constexpr FramePlace kPlace{7, 64};
  const auto bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> sealed(bytes, bytes + size);
  (void)parse_frame(sealed, kPlace, codec);
  if (size < kFrameHeaderBytes) return 0;
  if (size < frame_table_end(load_le<std::uint16_t>(bytes + 6))) return 0;
  seal_frame(sealed, kPlace);
  const auto frame = parse_frame(sealed, kPlace, codec);
  if (!frame.ok()) return 0;
  if (frame.value().bytes.size() > kFrameBytesMax) std::abort();
  for (const ChunkRecord& chunk : frame.value().chunks) {
    const auto found = frame.value().find(chunk.local_id);
    if (!found || found->bytes.size() != chunk.bytes) std::abort();
  }
  return 0;
}

// link: stillframe_chunkstore
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "framework/chunkstore/frame.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::chunkstore;

constexpr FramePlace kFuzzedPlace{7, 64};

// Chunks of a frame that is taken lie within it.
void expect_sound(const Result<Frame>& frame) {
  if (!frame.ok()) return;
  if (frame.value().bytes.size() > kFrameBytesMax) std::abort();
  for (const ChunkRecord& chunk : frame.value().chunks) {
    const auto found = frame.value().find(chunk.local_id);
    if (!found || found->bytes.size() != chunk.bytes) std::abort();
  }
}

}  // namespace

// Reads the input as a frame, as it is and with its checksums put right, so that what lies behind
// them is reached too; and as what an encrypted frame is found to be once it was opened.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static FrameCodec plain;
  static FrameCodec with_key(std::make_shared<const StoreCipher>(Key256()));
  const auto bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> frame(bytes, bytes + size);
  (void)parse_frame(frame, kFuzzedPlace, plain);
  (void)parse_frame(frame, kFuzzedPlace, with_key);
  if (size < kFrameHeaderBytes) return 0;
  const std::size_t chunks = load_le<std::uint16_t>(bytes + 6);
  if (size < frame_table_end(chunks)) return 0;
  // Of an encrypted one without its tags the checksums cannot be right.
  if (size >= frame_payload_offset(chunks, true) || bytes[4] != std::byte{2}) {
    seal_frame(frame, kFuzzedPlace);
    expect_sound(parse_frame(frame, kFuzzedPlace, plain));
    (void)check_frame(frame, kFuzzedPlace);
  }
  if (size == frame_table_end(chunks)) return 0;
  frame.assign(bytes, bytes + size);
  frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(frame_table_end(chunks)),
               kFrameCipherBytes, std::byte{0});
  encrypt_frame(frame, kFuzzedPlace, *with_key.cipher());
  expect_sound(parse_frame(frame, kFuzzedPlace, with_key));
  return 0;
}

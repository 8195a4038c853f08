// link: stillframe_ese_log
// A checkpoint file: what is read is written again with the same bytes where fields are.
#include <cstdint>
#include <vector>

#include "framework/base/check.hpp"
#include "writers/ese/format/checkpoint.hpp"
#include "writers/ese/format/checksum.hpp"

using namespace stillframe;
using namespace stillframe::ese;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes(begin, begin + size);
  (void)decode_checkpoint_file(bytes, "fuzz.chk").ok();
  if (bytes.size() < Checkpoint::kCopyBytes) return 0;
  store_le(bytes.data(), xor_checksum(Bytes(bytes).first(Checkpoint::kCopyBytes)));
  const auto read = decode_checkpoint_file(bytes, "fuzz.chk");
  if (!read.ok()) return 0;
  const auto again = encode_checkpoint(read.value().checkpoint);
  STILLFRAME_CHECK(again.ok(), "a checkpoint that was read does not fit when it is written");
  const auto back = decode_checkpoint(again.value(), "fuzz.chk");
  STILLFRAME_CHECK(back.ok() && back.value().attachments == read.value().checkpoint.attachments,
                   "a checkpoint changed on its way");
  return 0;
}

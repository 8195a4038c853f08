// link: stillframe_chunkstore
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/store_key.hpp"

// Reads the input as the end of a container, as it is and with its checksum put right, with a key
// and without, and as a container's header, a commit record, the key of a store and a key file.
// Frames of a footer that is taken lie before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::chunkstore;
  const auto bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> footer(bytes, bytes + size);
  (void)parse_container_header(footer);
  if (const auto record = parse_commit_record(footer); record.ok()) {
    if (!(parse_commit_record(format_commit_record(record.value())).value() == record.value())) {
      std::abort();
    }
  }
  if (const auto record = parse_key_record(footer); record.ok()) {
    if (!(parse_key_record(format_key_record(record.value())).value() == record.value())) {
      std::abort();
    }
  }
  if (parse_key_file(footer).ok() && (size < 32 || size > 65)) std::abort();
  constexpr ContainerHeader kHeader{ContainerKind::data, {}, 7, 1};
  if (size < kTrailerBytes) return 0;
  seal_footer(footer);
  // The file is as long as the trailer says, so that only the footer itself can be wrong.
  const auto offset = stillframe::load_le<std::uint64_t>(bytes + size - kTrailerBytes + 16);
  if (offset > kContainerBytesMax) return 0;
  const auto trailer = parse_trailer(footer, offset + size);
  if (!trailer.ok()) return 0;
  static const StoreCipher cipher{Key256()};
  (void)parse_footer(footer, trailer.value(), kHeader, &cipher);
  const auto table = parse_footer(footer, trailer.value(), kHeader);
  if (!table.ok()) return 0;
  for (const FrameRecord& frame : table.value().frames) {
    if (std::uint64_t{frame.offset} + frame.stored_bytes > offset) std::abort();
  }
  return 0;
}

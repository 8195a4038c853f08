// Frames: chunks compressed together, checked as one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/fingerprint.hpp"
#include "framework/chunkstore/names.hpp"
#include "framework/chunkstore/store_cipher.hpp"

namespace stillframe::chunkstore {

enum class Compression : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

// A chunk in a frame's table and in a container's footer.
struct ChunkRecord {
  Fingerprint fingerprint{};
  std::uint32_t local_id = 0;
  std::uint32_t bytes = 0;
  friend bool operator==(const ChunkRecord&, const ChunkRecord&) = default;
};
static_assert(sizeof(ChunkRecord) == 40, "docs/formats/chunk-store.md");

// Where a frame is. Its bytes are valid there and nowhere else.
struct FramePlace {
  std::uint32_t container = 0;
  std::uint64_t offset = 0;
};

constexpr std::size_t kFrameHeaderBytes = 32;
constexpr std::size_t frame_table_end(std::size_t chunks) {
  return kFrameHeaderBytes + chunks * sizeof(ChunkRecord);
}
// Behind the table of an encrypted one: a nonce, the table's tag and the payload's.
constexpr std::size_t kFrameCipherBytes = kCipherNonceBytes + 2 * kCipherTagBytes;
constexpr std::size_t frame_payload_offset(std::size_t chunks, bool encrypted) {
  return frame_table_end(chunks) + (encrypted ? kFrameCipherBytes : 0);
}
constexpr std::size_t kFrameStoredBytesMax =
    frame_payload_offset(kFrameChunksMax, true) + kFrameBytesMax;

struct FrameHeader {
  Compression compression = Compression::none;
  std::uint32_t bytes = 0;          // of all chunks
  std::uint32_t payload_bytes = 0;  // behind the table
  std::uint64_t payload_sum = 0;
  bool encrypted = false;
  std::size_t chunk_count = 0;
  std::vector<ChunkRecord> chunks;  // none when they are encrypted and there is no key

  std::size_t payload_offset() const { return frame_payload_offset(chunk_count, encrypted); }
  std::size_t stored_bytes() const { return payload_offset() + payload_bytes; }
};

// How long a frame says it is whose first kFrameHeaderBytes these are, true or not.
std::size_t stated_frame_bytes(Bytes header);

// Reads header and table from the start of `bytes`. Errc::truncated when they are not all there,
// Errc::corrupt when they lie. With a cipher no frame that is not encrypted is taken; without one
// the checksums of one that is are all that can be checked.
Result<FrameHeader> parse_frame_header(Bytes bytes, FramePlace place,
                                       const StoreCipher* cipher = nullptr);

// Compresses what is worth it, and back; and has the cipher of a store whose frames are encrypted.
// Not for two threads at once.
class FrameCodec {
 public:
  explicit FrameCodec(std::shared_ptr<const StoreCipher> cipher = nullptr);
  ~FrameCodec();

  const StoreCipher* cipher() const { return cipher_.get(); }

  // The payload is the first `bytes` of `room`, which is as large as what is compressed; not
  // compressed where the wanted way does not pay.
  struct Packed {
    Compression how = Compression::none;
    std::size_t bytes = 0;
  };
  Packed compress(Bytes bytes, Compression wanted, MutableBytes room);
  // The result has exactly `bytes` bytes.
  Result<std::vector<std::byte>> decompress(Bytes payload, Compression how, std::size_t bytes);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
  std::shared_ptr<const StoreCipher> cipher_;
};

// A frame that was read and checked.
struct Frame {
  std::vector<ChunkRecord> chunks;
  std::vector<std::byte> bytes;

  struct Found {
    const ChunkRecord* record;
    Bytes bytes;
  };
  std::optional<Found> find(std::uint32_t local_id) const;
};

// `stored` is the whole frame and nothing more. Everything is checked but the tag of an encrypted
// payload, nothing decompressed.
Result<FrameHeader> check_frame(Bytes stored, FramePlace place,
                                const StoreCipher* cipher = nullptr);

// All of it, decompressed. access_denied: it is encrypted, and the codec has no cipher.
Result<Frame> parse_frame(Bytes stored, FramePlace place, FrameCodec& codec);

// Puts the checksums of a frame right, whose header, table and payload are `stored`.
void seal_frame(MutableBytes stored, FramePlace place);
// The same for one whose table and payload are yet to be encrypted, in place.
void encrypt_frame(MutableBytes stored, FramePlace place, const StoreCipher& cipher);
// Makes a frame that was checked where it was one of another place: an encrypted one under a new
// nonce.
Status move_frame(MutableBytes stored, FramePlace from, FramePlace to, const StoreCipher* cipher);

// Gathers the chunks of a frame.
class FrameBuilder {
 public:
  bool empty() const { return chunks_.empty(); }
  std::size_t chunk_count() const { return chunks_.size(); }
  std::size_t stored_bytes_max() const { return frame_table_end(chunks_.size()) + bytes_.size(); }
  // Whether `bytes` more belong in a frame of their own.
  bool full_for(std::size_t bytes) const;

  void add(const ChunkRecord& record, Bytes bytes);
  // The finished frame, for this place; the builder is empty again. Valid until the next call.
  Bytes finish(FramePlace place, Compression wanted, FrameCodec& codec);
  const std::vector<ChunkRecord>& chunks() const { return chunks_; }

 private:
  std::vector<ChunkRecord> chunks_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> room_;  // for finished frames; never shrinks
};

}  // namespace stillframe::chunkstore

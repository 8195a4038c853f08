#include "framework/chunkstore/frame.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <lz4.h>
#include <zstd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint32_t kFrameSignature = 0x52464653;  // SFFR
constexpr std::uint8_t kFrameVersion = 1, kFrameVersionEncrypted = 2;
constexpr std::size_t kAuthenticatedHeaderBytes = 16;  // all but checksums
constexpr std::size_t kPayloadSumOffset = 16, kTableSumOffset = 24;
constexpr int kZstdLevel = 1;
// Half of that level's table: 32 KiB, which stays in the processor's first cache. A tenth faster,
// for 0.3 to 1.6 % in size; docs/benchmarks.md.
constexpr int kZstdHashBits = 13;

Error corrupt(FramePlace place, const std::string& what) {
  return Error(Errc::corrupt, "frame at " + std::to_string(place.offset) + " of container " +
                                  std::to_string(place.container) + ": " + what);
}

// Of the header before its own sum, and of the table.
std::uint64_t table_sum(Bytes header_and_table, FramePlace place) {
  const std::uint64_t place_seed = std::uint64_t{place.container} << 32 | place.offset;
  const std::uint64_t header_sum =
      XXH3_64bits_withSeed(header_and_table.data(), kTableSumOffset, place_seed);
  return XXH3_64bits_withSeed(header_and_table.data() + kFrameHeaderBytes,
                              header_and_table.size() - kFrameHeaderBytes, header_sum);
}

Status check_table(const FrameHeader& header, FramePlace place) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.chunks.size(); ++i) {
    const ChunkRecord& chunk = header.chunks[i];
    if (chunk.bytes == 0) return corrupt(place, "it has an empty chunk");
    if (i > 0 && chunk.local_id <= header.chunks[i - 1].local_id) {
      return corrupt(place, "its chunks are not in order");
    }
    sum += chunk.bytes;
  }
  if (sum != header.bytes) return corrupt(place, "its chunks do not add up to its size");
  return Ok{};
}

// What is between table and payload of an encrypted frame.
struct FrameCipher {
  CipherNonce nonce;
  CipherTag table, payload;
};
static_assert(sizeof(FrameCipher) == kFrameCipherBytes, "docs/formats/chunk-store.md");

FrameCipher load_cipher(Bytes stored, std::size_t chunks) {
  FrameCipher cipher_part;
  std::memcpy(&cipher_part, stored.data() + frame_table_end(chunks), sizeof cipher_part);
  return cipher_part;
}

// What table and payload belong to: the frame's header, its container and its place there.
std::array<std::byte, kAuthenticatedHeaderBytes + 12> frame_associated(Bytes stored,
                                                                       FramePlace place) {
  std::array<std::byte, kAuthenticatedHeaderBytes + 12> bytes;
  std::memcpy(bytes.data(), stored.data(), kAuthenticatedHeaderBytes);
  store_le(bytes.data() + kAuthenticatedHeaderBytes, place.container);
  store_le(bytes.data() + kAuthenticatedHeaderBytes + 4, place.offset);
  return bytes;
}

Status open_table(Bytes stored, FramePlace place, const StoreCipher& cipher, MutableBytes into) {
  const std::size_t chunks = into.size() / sizeof(ChunkRecord);
  const FrameCipher cipher_part = load_cipher(stored, chunks);
  const Bytes table = stored.subspan(kFrameHeaderBytes, into.size());
  if (cipher.decrypt(cipher_part.nonce, StoreCipher::Part::table, {frame_associated(stored, place)},
                     cipher_part.table, table, into)) {
    return Ok{};
  }
  return corrupt(place, "its table is not what this store encrypted here");
}

Status open_payload(Bytes stored, FramePlace place, const StoreCipher& cipher,
                    const FrameHeader& header, MutableBytes into) {
  const FrameCipher cipher_part = load_cipher(stored, header.chunk_count);
  if (cipher.decrypt(cipher_part.nonce, StoreCipher::Part::content,
                     {frame_associated(stored, place)}, cipher_part.payload,
                     stored.last(header.payload_bytes), into)) {
    return Ok{};
  }
  return corrupt(place, "its payload is not what this store encrypted here");
}

// Four samples tell noise from everything else: bytes of all values equally often, of which LZ4
// finds none again.
bool looks_incompressible(Bytes bytes) {
  constexpr std::size_t kSamples = 4, kSampleBytes = 4096;
  if (bytes.size() < kSamples * kSampleBytes) return false;
  std::array<char, kSamples * kSampleBytes> sample;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::size_t at = (bytes.size() - kSampleBytes) / (kSamples - 1) * i;
    std::memcpy(sample.data() + i * kSampleBytes, bytes.data() + at, kSampleBytes);
  }
  std::array<std::uint32_t, 256> counts{};
  for (const char each : sample) ++counts[static_cast<unsigned char>(each)];
  // Of noise, each value 64 times give or take 8, the sum of squares is close to 256 * (64^2 + 64).
  std::uint64_t squares = 0;
  for (const std::uint32_t count : counts) squares += std::uint64_t{count} * count;
  constexpr std::uint64_t kEven = sample.size() / 256;
  if (squares > 256 * (kEven * kEven + 2 * kEven)) return false;
  std::array<char, LZ4_COMPRESSBOUND(sample.size())> packed;
  const int bytes_packed = LZ4_compress_default(sample.data(), packed.data(), sample.size(),
                                                static_cast<int>(packed.size()));
  return bytes_packed >= static_cast<int>(sample.size() - sample.size() / 32);
}

const char* chars(const std::byte* bytes) {
  return reinterpret_cast<const char*>(bytes);
}

}  // namespace

std::size_t stated_frame_bytes(Bytes header) {
  const bool encrypted = load_le<std::uint8_t>(header.data() + 4) == kFrameVersionEncrypted;
  return frame_payload_offset(load_le<std::uint16_t>(header.data() + 6), encrypted) +
         load_le<std::uint32_t>(header.data() + 12);
}

Result<FrameHeader> parse_frame_header(Bytes bytes, FramePlace place, const StoreCipher* cipher) {
  const auto too_short = [&] {
    return Error(Errc::truncated, "frame at " + std::to_string(place.offset) + " of container " +
                                      std::to_string(place.container) + ": it ends early");
  };
  if (bytes.size() < kFrameHeaderBytes) return too_short();
  const std::byte* at = bytes.data();
  if (load_le<std::uint32_t>(at) != kFrameSignature) return corrupt(place, "it is none");
  const auto version = load_le<std::uint8_t>(at + 4);
  if (version != kFrameVersion && version != kFrameVersionEncrypted) {
    return Error(Errc::future_version, corrupt(place, "it is of another version").what());
  }
  const auto compression = load_le<std::uint8_t>(at + 5);
  const auto count = load_le<std::uint16_t>(at + 6);
  FrameHeader header;
  header.encrypted = version == kFrameVersionEncrypted;
  header.chunk_count = count;
  header.bytes = load_le<std::uint32_t>(at + 8);
  header.payload_bytes = load_le<std::uint32_t>(at + 12);
  header.payload_sum = load_le<std::uint64_t>(at + kPayloadSumOffset);
  header.compression = static_cast<Compression>(compression);
  if (count == 0 || count > kFrameChunksMax || compression > 2 || header.bytes == 0 ||
      header.bytes > kFrameBytesMax || header.payload_bytes == 0 ||
      header.payload_bytes > kFrameBytesMax ||
      (header.compression == Compression::none && header.payload_bytes != header.bytes)) {
    return corrupt(place, "its header makes no sense");
  }
  if (cipher != nullptr && !header.encrypted) {
    return corrupt(place, "it is not encrypted, in a store that is");
  }
  if (bytes.size() < header.payload_offset()) return too_short();
  const Bytes covered = bytes.first(header.payload_offset());
  if (load_le<std::uint64_t>(at + kTableSumOffset) != table_sum(covered, place)) {
    return corrupt(place, "its header has another checksum");
  }
  if (header.encrypted && cipher == nullptr) return header;
  header.chunks.resize(count);
  if (cipher != nullptr) {
    const Status opened =
        open_table(bytes, place, *cipher, std::as_writable_bytes(std::span(header.chunks)));
    if (!opened.ok()) return opened.error();
  } else {
    std::memcpy(header.chunks.data(), at + kFrameHeaderBytes, count * sizeof(ChunkRecord));
  }
  if (Status s = check_table(header, place); !s.ok()) return s.error();
  return header;
}

Result<FrameHeader> check_frame(Bytes stored, FramePlace place, const StoreCipher* cipher) {
  auto header = parse_frame_header(stored, place, cipher);
  if (!header.ok()) return header.error();
  const FrameHeader& it = header.value();
  if (it.stored_bytes() != stored.size()) return corrupt(place, "it has another length");
  const Bytes payload = stored.last(it.payload_bytes);
  if (XXH3_64bits(payload.data(), payload.size()) != it.payload_sum) {
    return corrupt(place, "its payload has another checksum");
  }
  return header;
}

Result<Frame> parse_frame(Bytes stored, FramePlace place, FrameCodec& codec) {
  auto header = check_frame(stored, place, codec.cipher());
  if (!header.ok()) return header.error();
  FrameHeader& it = header.value();
  Bytes payload = stored.last(it.payload_bytes);
  std::vector<std::byte> opened;
  if (it.encrypted) {
    if (codec.cipher() == nullptr) {
      return key_is_needed("container " + std::to_string(place.container));
    }
    opened.resize(it.payload_bytes);
    if (Status s = open_payload(stored, place, *codec.cipher(), it, opened); !s.ok()) {
      return s.error();
    }
    if (it.compression == Compression::none) return Frame{std::move(it.chunks), std::move(opened)};
    payload = opened;
  }
  auto bytes = codec.decompress(payload, it.compression, it.bytes);
  if (!bytes.ok()) return corrupt(place, bytes.error().what());
  return Frame{std::move(it.chunks), std::move(bytes).value()};
}

std::optional<Frame::Found> Frame::find(std::uint32_t local_id) const {
  std::size_t at = 0;
  for (const ChunkRecord& chunk : chunks) {
    if (chunk.local_id == local_id) return Found{&chunk, Bytes(bytes).subspan(at, chunk.bytes)};
    at += chunk.bytes;
  }
  return std::nullopt;
}

// ---- building

void seal_frame(MutableBytes stored, FramePlace place) {
  const bool encrypted = load_le<std::uint8_t>(stored.data() + 4) == kFrameVersionEncrypted;
  const std::size_t table_end =
      frame_payload_offset(load_le<std::uint16_t>(stored.data() + 6), encrypted);
  STILLFRAME_CHECK(stored.size() >= table_end, "a frame has its table");
  const Bytes payload = Bytes(stored).subspan(table_end);
  store_le(stored.data() + kPayloadSumOffset,
           static_cast<std::uint64_t>(XXH3_64bits(payload.data(), payload.size())));
  store_le(stored.data() + kTableSumOffset, table_sum(Bytes(stored).first(table_end), place));
}

// The nonce is mixed with all that the frame is of: its place, its header and the fingerprints of
// its chunks.
void encrypt_frame(MutableBytes stored, FramePlace place, const StoreCipher& cipher) {
  store_le(stored.data() + 4, kFrameVersionEncrypted);
  const std::size_t chunks = load_le<std::uint16_t>(stored.data() + 6);
  const std::size_t payload_at = frame_payload_offset(chunks, true);
  STILLFRAME_CHECK(stored.size() > payload_at, "a frame has its table and a payload");
  const MutableBytes table =
      stored.subspan(kFrameHeaderBytes, frame_table_end(chunks) - kFrameHeaderBytes);
  const MutableBytes payload = stored.subspan(payload_at);
  const auto associated = frame_associated(stored, place);
  FrameCipher cipher_part;
  cipher_part.nonce = cipher.new_nonce({associated, table});
  cipher_part.table =
      cipher.encrypt(cipher_part.nonce, StoreCipher::Part::table, {associated}, table, table);
  cipher_part.payload =
      cipher.encrypt(cipher_part.nonce, StoreCipher::Part::content, {associated}, payload, payload);
  std::memcpy(stored.data() + frame_table_end(chunks), &cipher_part, sizeof cipher_part);
  seal_frame(stored, place);
}

Status move_frame(MutableBytes stored, FramePlace from, FramePlace to, const StoreCipher* cipher) {
  if (cipher == nullptr) {
    seal_frame(stored, to);
    return Ok{};
  }
  const auto header = parse_frame_header(stored, from, cipher);
  if (!header.ok()) return header.error();
  const FrameHeader& it = header.value();
  if (Status s = open_payload(stored, from, *cipher, it, stored.last(it.payload_bytes)); !s.ok()) {
    return s;
  }
  std::memcpy(stored.data() + kFrameHeaderBytes, it.chunks.data(),
              it.chunks.size() * sizeof(ChunkRecord));
  encrypt_frame(stored, to, *cipher);
  return Ok{};
}

bool FrameBuilder::full_for(std::size_t bytes) const {
  return !empty() &&
         (bytes_.size() + bytes > kFrameFilledBytes || chunks_.size() == kFrameChunksMax);
}

void FrameBuilder::add(const ChunkRecord& record, Bytes bytes) {
  STILLFRAME_CHECK(record.bytes == bytes.size() && !bytes.empty(), "a chunk has its bytes");
  STILLFRAME_CHECK(bytes_.size() + bytes.size() <= kFrameBytesMax, "a frame has its limit");
  chunks_.push_back(record);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Bytes FrameBuilder::finish(FramePlace place, Compression wanted, FrameCodec& codec) {
  const std::size_t payload_at = frame_payload_offset(chunks_.size(), codec.cipher() != nullptr);
  if (room_.size() < payload_at + bytes_.size()) room_.resize(payload_at + bytes_.size());
  const auto packed = codec.compress(bytes_, wanted, MutableBytes(room_).subspan(payload_at));
  const MutableBytes stored = MutableBytes(room_).first(payload_at + packed.bytes);
  std::byte* at = stored.data();
  store_le(at, kFrameSignature);
  store_le(at + 4, kFrameVersion);
  store_le(at + 5, static_cast<std::uint8_t>(packed.how));
  store_le(at + 6, static_cast<std::uint16_t>(chunks_.size()));
  store_le(at + 8, static_cast<std::uint32_t>(bytes_.size()));
  store_le(at + 12, static_cast<std::uint32_t>(packed.bytes));
  std::memcpy(at + kFrameHeaderBytes, chunks_.data(), chunks_.size() * sizeof(ChunkRecord));
  if (codec.cipher() != nullptr) {
    encrypt_frame(stored, place, *codec.cipher());
  } else {
    seal_frame(stored, place);
  }
  chunks_.clear();
  bytes_.clear();
  return stored;
}

// ---- compression

struct FrameCodec::Contexts {
  ZSTD_CCtx* packing = ZSTD_createCCtx();
  ZSTD_DCtx* unpacking = ZSTD_createDCtx();

  Contexts() {
    STILLFRAME_CHECK(packing != nullptr && unpacking != nullptr, "out of memory");
    set(ZSTD_c_compressionLevel, kZstdLevel);
    set(ZSTD_c_hashLog, kZstdHashBits);
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  ~Contexts() {
    ZSTD_freeCCtx(packing);
    ZSTD_freeDCtx(unpacking);
  }

 private:
  void set(ZSTD_cParameter what, int value) {
    STILLFRAME_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(packing, what, value)),
                     "a level and a table that exist");
  }
};

FrameCodec::FrameCodec(std::shared_ptr<const StoreCipher> cipher)
    : contexts_(std::make_unique<Contexts>()), cipher_(std::move(cipher)) {}
FrameCodec::~FrameCodec() = default;

FrameCodec::Packed FrameCodec::compress(Bytes bytes, Compression wanted, MutableBytes room) {
  STILLFRAME_CHECK(room.size() >= bytes.size(), "what is not compressed has to fit");
  std::size_t packed = 0;
  if (wanted != Compression::none && !looks_incompressible(bytes)) {
    // Room for what pays and no more: whatever does not fit is stored as it is.
    const std::size_t worth = bytes.size() - bytes.size() / 32;
    if (wanted == Compression::zstd) {
      packed = ZSTD_compress2(contexts_->packing, room.data(), worth, bytes.data(), bytes.size());
      if (ZSTD_isError(packed) != 0) packed = 0;
    } else {
      const int found =
          LZ4_compress_default(chars(bytes.data()), reinterpret_cast<char*>(room.data()),
                               static_cast<int>(bytes.size()), static_cast<int>(worth));
      packed = found > 0 ? static_cast<std::size_t>(found) : 0;
    }
  }
  if (packed > 0 && packed < bytes.size()) return {wanted, packed};
  std::memcpy(room.data(), bytes.data(), bytes.size());
  return {Compression::none, bytes.size()};
}

Result<std::vector<std::byte>> FrameCodec::decompress(Bytes payload, Compression how,
                                                      std::size_t bytes) {
  std::vector<std::byte> result(bytes);
  std::size_t found = 0;
  switch (how) {
    case Compression::none:
      found = payload.size();
      if (found == bytes) std::memcpy(result.data(), payload.data(), bytes);
      break;
    case Compression::lz4: {
      const int unpacked =
          LZ4_decompress_safe(chars(payload.data()), reinterpret_cast<char*>(result.data()),
                              static_cast<int>(payload.size()), static_cast<int>(bytes));
      found = unpacked < 0 ? 0 : static_cast<std::size_t>(unpacked);
      break;
    }
    case Compression::zstd:
      found = ZSTD_decompressDCtx(contexts_->unpacking, result.data(), bytes, payload.data(),
                                  payload.size());
      if (ZSTD_isError(found) != 0) found = 0;
      break;
  }
  if (found != bytes) return Error(Errc::corrupt, "its payload does not expand to its size");
  return result;
}

}  // namespace stillframe::chunkstore

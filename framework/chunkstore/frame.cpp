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
constexpr std::uint8_t kFrameVersion = 1;
constexpr std::size_t kPayloadSumOffset = 16, kTableSumOffset = 24;
constexpr int kZstdLevel = 1;

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

Result<FrameHeader> parse_frame_header(Bytes bytes, FramePlace place) {
  const auto too_short = [&] {
    return Error(Errc::truncated, "frame at " + std::to_string(place.offset) + " of container " +
                                      std::to_string(place.container) + ": it ends early");
  };
  if (bytes.size() < kFrameHeaderBytes) return too_short();
  const std::byte* at = bytes.data();
  if (load_le<std::uint32_t>(at) != kFrameSignature) return corrupt(place, "it is none");
  if (load_le<std::uint8_t>(at + 4) != kFrameVersion) {
    return Error(Errc::future_version, corrupt(place, "it is of another version").what());
  }
  const auto compression = load_le<std::uint8_t>(at + 5);
  const auto count = load_le<std::uint16_t>(at + 6);
  FrameHeader header;
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
  if (bytes.size() < frame_table_end(count)) return too_short();
  const Bytes covered = bytes.first(frame_table_end(count));
  if (load_le<std::uint64_t>(at + kTableSumOffset) != table_sum(covered, place)) {
    return corrupt(place, "its header has another checksum");
  }
  header.chunks.resize(count);
  std::memcpy(header.chunks.data(), at + kFrameHeaderBytes, count * sizeof(ChunkRecord));
  if (Status s = check_table(header, place); !s.ok()) return s.error();
  return header;
}

Result<FrameHeader> check_frame(Bytes stored, FramePlace place) {
  auto header = parse_frame_header(stored, place);
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
  auto header = check_frame(stored, place);
  if (!header.ok()) return header.error();
  FrameHeader& it = header.value();
  auto bytes = codec.decompress(stored.last(it.payload_bytes), it.compression, it.bytes);
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
  const std::size_t table_end = frame_table_end(load_le<std::uint16_t>(stored.data() + 6));
  STILLFRAME_CHECK(stored.size() >= table_end, "a frame has its table");
  const Bytes payload = Bytes(stored).subspan(table_end);
  store_le(stored.data() + kPayloadSumOffset,
           static_cast<std::uint64_t>(XXH3_64bits(payload.data(), payload.size())));
  store_le(stored.data() + kTableSumOffset, table_sum(Bytes(stored).first(table_end), place));
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
  const std::size_t table_end = frame_table_end(chunks_.size());
  if (room_.size() < table_end + bytes_.size()) room_.resize(table_end + bytes_.size());
  const auto packed = codec.compress(bytes_, wanted, MutableBytes(room_).subspan(table_end));
  const MutableBytes stored = MutableBytes(room_).first(table_end + packed.bytes);
  std::byte* at = stored.data();
  store_le(at, kFrameSignature);
  store_le(at + 4, kFrameVersion);
  store_le(at + 5, static_cast<std::uint8_t>(packed.how));
  store_le(at + 6, static_cast<std::uint16_t>(chunks_.size()));
  store_le(at + 8, static_cast<std::uint32_t>(bytes_.size()));
  store_le(at + 12, static_cast<std::uint32_t>(packed.bytes));
  std::memcpy(at + kFrameHeaderBytes, chunks_.data(), chunks_.size() * sizeof(ChunkRecord));
  seal_frame(stored, place);
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
    STILLFRAME_CHECK(
        !ZSTD_isError(ZSTD_CCtx_setParameter(packing, ZSTD_c_compressionLevel, kZstdLevel)),
        "a level that exists");
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  ~Contexts() {
    ZSTD_freeCCtx(packing);
    ZSTD_freeDCtx(unpacking);
  }
};

FrameCodec::FrameCodec() : contexts_(std::make_unique<Contexts>()) {}
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

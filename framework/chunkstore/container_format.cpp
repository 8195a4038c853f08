#include "framework/chunkstore/container_format.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint64_t kContainerSignature = 0x524e544e4f434653;  // SFCONTNR
constexpr std::uint16_t kMajor = 1;
constexpr std::uint32_t kTrailerSignature = 0x54464653;  // SFFT
constexpr std::uint32_t kFooterVersion = 1, kFooterVersionEncrypted = 2;
constexpr std::size_t kHeaderSumOffset = 56, kTrailerSumOffset = 40;
constexpr std::size_t kNameDigits = 8;

std::uint64_t sum_of(Bytes bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Error corrupt(const char* part, const std::string& what) {
  return Error(Errc::corrupt, std::string("container ") + part + ": " + what);
}

std::uint64_t tables_bytes(std::uint64_t frames, std::uint64_t chunks) {
  return frames * sizeof(FrameRecord) + chunks * sizeof(ChunkRecord);
}

std::uint64_t footer_bytes_of(std::uint64_t frames, std::uint64_t chunks, bool encrypted) {
  return tables_bytes(frames, chunks) + (encrypted ? kFooterCipherBytes : 0) + kTrailerBytes;
}

// Of a footer's chunks: which container they are of, and all of the footer that is not encrypted.
struct FooterAssociated {
  std::array<std::byte, 4> kind;
  Bytes frames, trailer;
};

FooterAssociated footer_associated(Bytes footer, std::size_t frames, ContainerKind kind) {
  FooterAssociated it;
  store_le(it.kind.data(), static_cast<std::uint32_t>(kind));
  it.frames = footer.first(frames * sizeof(FrameRecord));
  it.trailer = footer.last(kTrailerBytes).first(kTrailerSumOffset);
  return it;
}

void encrypt_footer(MutableBytes footer, const ContainerTable& table, ContainerKind kind,
                    const StoreCipher& cipher) {
  const MutableBytes chunks = footer.subspan(table.frames.size() * sizeof(FrameRecord),
                                             table.chunks.size() * sizeof(ChunkRecord));
  const FooterAssociated it = footer_associated(footer, table.frames.size(), kind);
  const CipherNonce nonce = cipher.new_nonce({it.kind, it.frames, it.trailer, chunks});
  const CipherTag tag = cipher.encrypt(nonce, StoreCipher::Part::content,
                                       {it.kind, it.frames, it.trailer}, chunks, chunks);
  std::byte* at = footer.data() + footer.size() - kTrailerBytes - kFooterCipherBytes;
  std::memcpy(at, nonce.data(), nonce.size());
  std::memcpy(at + nonce.size(), tag.data(), tag.size());
}

Status decrypt_chunks(Bytes footer, ContainerTable& table, ContainerKind kind,
                      const StoreCipher& cipher) {
  const Bytes chunks = footer.subspan(table.frames.size() * sizeof(FrameRecord),
                                      table.chunks.size() * sizeof(ChunkRecord));
  const std::byte* at = footer.data() + footer.size() - kTrailerBytes - kFooterCipherBytes;
  CipherNonce nonce;
  CipherTag tag;
  std::memcpy(nonce.data(), at, nonce.size());
  std::memcpy(tag.data(), at + nonce.size(), tag.size());
  const FooterAssociated it = footer_associated(footer, table.frames.size(), kind);
  if (cipher.decrypt(nonce, StoreCipher::Part::content, {it.kind, it.frames, it.trailer}, tag,
                     chunks, std::as_writable_bytes(std::span(table.chunks)))) {
    return Ok{};
  }
  return corrupt("footer", "it is not what this store encrypted");
}

// `chunk_count`: with those that are not known for want of a key.
Status check_frames(const ContainerTable& table, std::size_t chunk_count,
                    std::uint64_t footer_offset) {
  std::uint64_t offset = kContainerHeaderBytes, chunks = 0, next_local_id = 0;
  for (const FrameRecord& frame : table.frames) {
    if (frame.offset != offset || frame.chunks == 0 || frame.chunks > kFrameChunksMax ||
        frame.stored_bytes <= frame_payload_offset(frame.chunks, table.encrypted) ||
        frame.stored_bytes > frame_payload_offset(frame.chunks, table.encrypted) + kFrameBytesMax) {
      return corrupt("footer", "a frame's place makes no sense");
    }
    if (frame.first_local_id < next_local_id) {
      return corrupt("footer", "its frames are not in order");
    }
    offset += frame.stored_bytes;
    chunks += frame.chunks;
    next_local_id = std::uint64_t{frame.first_local_id} + frame.chunks;
  }
  if (offset != footer_offset || chunks != chunk_count) {
    return corrupt("footer", "its frames do not add up");
  }
  return Ok{};
}

Status check_chunks(const ContainerTable& table) {
  for (std::size_t i = 0; i < table.chunks.size(); ++i) {
    const ChunkRecord& chunk = table.chunks[i];
    if (chunk.bytes == 0 || chunk.bytes > kFrameBytesMax || chunk.local_id >= kContainerChunksMax ||
        (i > 0 && chunk.fingerprint < table.chunks[i - 1].fingerprint)) {
      return corrupt("footer", "a chunk makes no sense");
    }
  }
  return Ok{};
}

}  // namespace

std::array<std::byte, kContainerHeaderBytes> format_container_header(
    const ContainerHeader& header) {
  std::array<std::byte, kContainerHeaderBytes> bytes{};
  std::byte* at = bytes.data();
  store_le(at, kContainerSignature);
  store_le(at + 8, kMajor);
  store_le(at + 12, static_cast<std::uint32_t>(header.kind));
  std::memcpy(at + 16, header.store.data(), header.store.size());
  store_le(at + 32, header.id);
  store_le(at + 36, header.generation);
  store_le(at + kHeaderSumOffset, sum_of(Bytes(bytes).first(kHeaderSumOffset)));
  return bytes;
}

Result<ContainerHeader> parse_container_header(Bytes bytes) {
  if (bytes.size() < kContainerHeaderBytes) {
    return Error(Errc::truncated, "container header: it ends early");
  }
  const std::byte* at = bytes.data();
  if (load_le<std::uint64_t>(at) != kContainerSignature) return corrupt("header", "it is none");
  if (load_le<std::uint16_t>(at + 8) != kMajor) {
    return Error(Errc::future_version, "container header: it is of another version");
  }
  if (load_le<std::uint64_t>(at + kHeaderSumOffset) != sum_of(bytes.first(kHeaderSumOffset))) {
    return corrupt("header", "it has another checksum");
  }
  const auto kind = load_le<std::uint32_t>(at + 12);
  ContainerHeader header;
  header.kind = static_cast<ContainerKind>(kind);
  std::memcpy(header.store.data(), at + 16, header.store.size());
  header.id = load_le<std::uint32_t>(at + 32);
  header.generation = load_le<std::uint32_t>(at + 36);
  if (kind < 1 || kind > 2 || header.id == 0 || header.id > kContainerIdMax ||
      header.generation == 0) {
    return corrupt("header", "it makes no sense");
  }
  return header;
}

BytePath container_file_name(std::uint32_t id, std::uint32_t generation) {
  char name[2 * kNameDigits + 2];
  std::snprintf(name, sizeof name, "%08x.%08x", id, generation);
  return name;
}

Result<ContainerFile> parse_container_file_name(std::string_view name) {
  const auto no = [&] {
    return Error(Errc::not_found, "'" + escape_path(name) + "' is no container's name");
  };
  if (name.size() != 2 * kNameDigits + 1 || name[kNameDigits] != '.') return no();
  ContainerFile file;
  const char* middle = name.data() + kNameDigits;
  const char* end = name.data() + name.size();
  if (std::from_chars(name.data(), middle, file.id, 16).ptr != middle ||
      std::from_chars(middle + 1, end, file.generation, 16).ptr != end) {
    return no();
  }
  if (container_file_name(file.id, file.generation) != name) return no();  // upper case
  return file;
}

bool is_unfinished_container(std::string_view name) {
  return name.ends_with(kUnfinishedSuffix) &&
         parse_container_file_name(name.substr(0, name.size() - kUnfinishedSuffix.size())).ok();
}

const FrameRecord* ContainerTable::frame_of(std::uint32_t local_id) const {
  const auto after = std::upper_bound(
      frames.begin(), frames.end(), local_id,
      [](std::uint32_t id, const FrameRecord& frame) { return id < frame.first_local_id; });
  return after == frames.begin() ? nullptr : &*std::prev(after);
}

std::uint64_t ContainerTable::footer_bytes() const {
  return footer_bytes_of(frames.size(), chunks.size(), encrypted);
}

std::uint64_t Trailer::footer_bytes() const {
  return footer_bytes_of(frames, chunks, encrypted);
}

std::vector<std::byte> format_footer(const ContainerHeader& header, ContainerTable& table,
                                     std::uint64_t offset, const StoreCipher* cipher) {
  STILLFRAME_CHECK(table.encrypted == (cipher != nullptr), "a table is encrypted with its cipher");
  std::sort(table.chunks.begin(), table.chunks.end(),
            [](const ChunkRecord& a, const ChunkRecord& b) {
              return a.fingerprint != b.fingerprint ? a.fingerprint < b.fingerprint
                                                    : a.local_id < b.local_id;
            });
  const std::size_t frames_bytes = table.frames.size() * sizeof(FrameRecord);
  const std::size_t tables = tables_bytes(table.frames.size(), table.chunks.size());
  std::vector<std::byte> bytes(table.footer_bytes());
  if (!table.frames.empty()) std::memcpy(bytes.data(), table.frames.data(), frames_bytes);
  if (!table.chunks.empty()) {
    std::memcpy(bytes.data() + frames_bytes, table.chunks.data(), tables - frames_bytes);
  }
  std::byte* at = bytes.data() + bytes.size() - kTrailerBytes;
  store_le(at, kTrailerSignature);
  store_le(at + 4, table.encrypted ? kFooterVersionEncrypted : kFooterVersion);
  store_le(at + 8, static_cast<std::uint32_t>(table.frames.size()));
  store_le(at + 12, static_cast<std::uint32_t>(table.chunks.size()));
  store_le(at + 16, offset);
  store_le(at + 24, header.id);
  store_le(at + 28, header.generation);
  if (cipher != nullptr) encrypt_footer(bytes, table, header.kind, *cipher);
  seal_footer(bytes);
  return bytes;
}

void seal_footer(MutableBytes footer) {
  const std::size_t covered = footer.size() - kTrailerBytes + kTrailerSumOffset;
  store_le(footer.data() + covered, sum_of(Bytes(footer).first(covered)));
}

Result<Trailer> parse_trailer(Bytes bytes, std::uint64_t file_bytes) {
  if (bytes.size() < kTrailerBytes) return Error(Errc::truncated, "container: it has no footer");
  const std::byte* at = bytes.data() + bytes.size() - kTrailerBytes;
  if (load_le<std::uint32_t>(at) != kTrailerSignature) {
    return Error(Errc::truncated, "container: it has no footer");
  }
  const auto version = load_le<std::uint32_t>(at + 4);
  if (version != kFooterVersion && version != kFooterVersionEncrypted) {
    return Error(Errc::future_version, "container footer: it is of another version");
  }
  Trailer trailer{load_le<std::uint32_t>(at + 8), load_le<std::uint32_t>(at + 12),
                  load_le<std::uint64_t>(at + 16), version == kFooterVersionEncrypted};
  if (trailer.frames > kContainerChunksMax || trailer.chunks > kContainerChunksMax ||
      trailer.footer_bytes() > file_bytes ||
      trailer.footer_offset != file_bytes - trailer.footer_bytes()) {
    return corrupt("footer", "it has another length");
  }
  return trailer;
}

Result<ContainerTable> parse_footer(Bytes bytes, const Trailer& trailer,
                                    const ContainerHeader& header, const StoreCipher* cipher) {
  if (cipher != nullptr && !trailer.encrypted) {
    return corrupt("footer", "it is not encrypted, in a store that is");
  }
  if (bytes.size() != trailer.footer_bytes()) return corrupt("footer", "it has another length");
  const std::byte* at = bytes.data() + bytes.size() - kTrailerBytes;
  const std::size_t covered = bytes.size() - kTrailerBytes + kTrailerSumOffset;
  if (load_le<std::uint64_t>(at + kTrailerSumOffset) != sum_of(bytes.first(covered))) {
    return corrupt("footer", "it has another checksum");
  }
  if (load_le<std::uint32_t>(at + 24) != header.id ||
      load_le<std::uint32_t>(at + 28) != header.generation) {
    return corrupt("footer", "it is another container's");
  }
  ContainerTable table;
  table.encrypted = trailer.encrypted;
  table.frames.resize(trailer.frames);
  const bool readable = !trailer.encrypted || cipher != nullptr;
  if (readable) table.chunks.resize(trailer.chunks);
  const std::size_t frames_bytes = trailer.frames * sizeof(FrameRecord);
  if (trailer.frames > 0) std::memcpy(table.frames.data(), bytes.data(), frames_bytes);
  if (cipher != nullptr) {
    if (Status s = decrypt_chunks(bytes, table, header.kind, *cipher); !s.ok()) return s.error();
  } else if (!table.chunks.empty()) {
    std::memcpy(table.chunks.data(), bytes.data() + frames_bytes,
                trailer.chunks * sizeof(ChunkRecord));
  }
  if (Status s = check_frames(table, trailer.chunks, trailer.footer_offset); !s.ok()) {
    return s.error();
  }
  if (Status s = check_chunks(table); !s.ok()) return s.error();
  return table;
}

}  // namespace stillframe::chunkstore

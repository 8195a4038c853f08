// The parts of a container file around its frames.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/frame.hpp"
#include "framework/chunkstore/names.hpp"

namespace stillframe::chunkstore {

constexpr std::size_t kContainerHeaderBytes = 64;
constexpr std::size_t kTrailerBytes = 48;
// Before the trailer of an encrypted store's footer: a nonce and the tag of the footer.
constexpr std::size_t kFooterCipherBytes = kCipherNonceBytes + kCipherTagBytes;

struct ContainerHeader {
  ContainerKind kind = ContainerKind::data;
  UuidBytes store{};
  std::uint32_t id = 0;
  std::uint32_t generation = 1;
  friend bool operator==(const ContainerHeader&, const ContainerHeader&) = default;
};

std::array<std::byte, kContainerHeaderBytes> format_container_header(const ContainerHeader& header);
Result<ContainerHeader> parse_container_header(Bytes bytes);

// The file's name in the store's folder of containers, and back; not_found for other names.
BytePath container_file_name(std::uint32_t id, std::uint32_t generation);
struct ContainerFile {
  std::uint32_t id = 0;
  std::uint32_t generation = 0;
};
Result<ContainerFile> parse_container_file_name(std::string_view name);
// A generation that is not whole yet has this behind its name.
constexpr std::string_view kUnfinishedSuffix = ".new";
bool is_unfinished_container(std::string_view name);

// A frame in a container's footer.
struct FrameRecord {
  std::uint32_t offset = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t first_local_id = 0;
  std::uint32_t chunks = 0;
  friend bool operator==(const FrameRecord&, const FrameRecord&) = default;
};
static_assert(sizeof(FrameRecord) == 16, "docs/formats/chunk-store.md");

// What its chunks and frames may take at the end of a file, and the longest file there is.
constexpr std::uint64_t kFooterBytesMax =
    kContainerChunksMax * (sizeof(FrameRecord) + sizeof(ChunkRecord)) + kFooterCipherBytes +
    kTrailerBytes;
constexpr std::uint64_t kContainerFileBytesMax =
    kContainerBytesMax + kFrameStoredBytesMax + kFooterBytesMax;

// What a container has: its footer, or what that will be.
struct ContainerTable {
  std::vector<FrameRecord> frames;  // in order
  std::vector<ChunkRecord> chunks;  // sorted by fingerprint once it is sealed, else by local id
  bool encrypted = false;

  // The frame that has this chunk if any has; null if none can.
  const FrameRecord* frame_of(std::uint32_t local_id) const;
  // How long its footer is.
  std::uint64_t footer_bytes() const;
};

struct Trailer {
  std::uint32_t frames = 0;
  std::uint32_t chunks = 0;
  std::uint64_t footer_offset = 0;
  bool encrypted = false;
  std::uint64_t footer_bytes() const;  // with the trailer
};

// Sorts the table's chunks. The footer lies at `offset`. The cipher is that of an encrypted table.
std::vector<std::byte> format_footer(const ContainerHeader& header, ContainerTable& table,
                                     std::uint64_t offset, const StoreCipher* cipher = nullptr);
// Puts the checksum of a footer right, whose tables and trailer are `footer`.
void seal_footer(MutableBytes footer);
// From the last kTrailerBytes of a file of `file_bytes`: how much to read for the rest.
Result<Trailer> parse_trailer(Bytes bytes, std::uint64_t file_bytes);
// `bytes`: the footer with its trailer. Without the cipher of one that is encrypted the table names
// no chunks; with a cipher no other is taken.
Result<ContainerTable> parse_footer(Bytes bytes, const Trailer& trailer,
                                    const ContainerHeader& header,
                                    const StoreCipher* cipher = nullptr);

}  // namespace stillframe::chunkstore

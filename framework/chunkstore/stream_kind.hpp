// What kind of file a stream is, and so how it is best cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/cut.hpp"

namespace stillframe::chunkstore {

enum class StreamKind : std::uint8_t {
  general = 0,
  disk_image = 1,  // of a disk or a file system: raw, qcow2, VMDK, VHD, VHDX, VDI
  database = 2,    // SQLite, ESE, PostgreSQL, InnoDB, Berkeley DB
};

std::string_view to_string(StreamKind kind);
std::string_view to_string(Cutting cutting);

// How much of a stream stream_kind() looks at.
constexpr std::size_t kStreamKindBytes = 68 << 10;

// Told from its first bytes alone: up to kStreamKindBytes, or all there are. Names lie and are not
// asked; a caller that knows better says so when it writes the stream.
StreamKind stream_kind(Bytes head);

// Images and databases change in place, block by block: aligned chunks find more of what stayed the
// same, for no work at all.
constexpr Cutting best_cutting(StreamKind kind) {
  return kind == StreamKind::general ? Cutting::by_content : Cutting::aligned;
}

}  // namespace stillframe::chunkstore

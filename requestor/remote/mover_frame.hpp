// What travels between a requestor and the mover of its session, inside TLS. docs/protocol.md has
// the table.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "requestor/backup/source_tree.hpp"

namespace stillframe::requestor {

enum class MoverFrame : std::uint8_t {
  ticket = 1,   // 32 bytes, first of all
  request = 2,  // a MoverRequest
  answer = 16,  // what was asked for, or what comes before content
  error = 17,   // instead of it
  part = 18,    // some of a list, before its answer
  data = 19,    // 8 bytes of offset, then content
  end = 20,     // after the last data: how many bytes, and their SHA-256
};

// Ahead of each payload: kind, three bytes of zero, length in 4 bytes, little endian.
inline constexpr std::size_t kMoverHeaderBytes = 8;
inline constexpr std::size_t kMoverDataBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kMoverPayloadBytesMax = kMoverDataBytesMax + 8;

struct MoverHeader {
  MoverFrame kind = MoverFrame::error;
  std::uint32_t bytes = 0;
};
using MoverHeaderBytes = std::array<char, kMoverHeaderBytes>;
MoverHeaderBytes encode_mover_header(const MoverHeader& header);
// corrupt for an unknown kind, limit_reached for a payload that is too long.
Result<MoverHeader> decode_mover_header(std::string_view bytes);

enum class MoverVerb { list, stat, describe, file, read, stream };

struct MoverRequest {
  MoverVerb verb = MoverVerb::stat;
  BytePath volume;                    // the mount point of the snapshot's volume
  BytePath path;                      // beneath it
  FileKind kind = FileKind::regular;  // describe
  bool partial = false;               // read: only `ranges`
  std::vector<ByteRange> ranges;
  std::uint64_t stream = 0;  // which
  friend bool operator==(const MoverRequest&, const MoverRequest&) = default;
};

struct MoverEnd {
  std::uint64_t bytes = 0;  // of data frames
  std::string sha256;       // of the content, holes as zeros, or of the ranges one after the other
  friend bool operator==(const MoverEnd&, const MoverEnd&) = default;
};

std::string encode(const MoverRequest& request);
std::string encode(const MoverEnd& end);
std::string encode(const Error& error);
std::string encode(const NodeDescription& node);
std::string encode(const std::vector<Tree::Entry>& entries);

// corrupt for what its writer should not have sent.
Result<MoverRequest> decode_mover_request(std::string_view json);
Result<MoverEnd> decode_mover_end(std::string_view json);
Error decode_mover_error(std::string_view json);
Result<NodeDescription> decode_node(std::string_view json);
Result<std::vector<Tree::Entry>> decode_entries(std::string_view json);

}  // namespace stillframe::requestor

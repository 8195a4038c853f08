// Divides a stream of bytes into chunks and zero runs. Pure: no I/O, and the same bytes are always
// divided the same way, however they arrive and on every processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/cut_loops.hpp"

namespace stillframe::chunkstore {

// How long chunks become: the mean in practice, on data that does not repeat itself, and the limits
// that follow from it. 64 KiB are the sizes of Windows; smaller ones find more duplicates and need
// more memory for the index.
enum class ChunkProfile : std::uint8_t { kib64 = 0, kib32 = 1, kib16 = 2 };

constexpr std::size_t mean_chunk_bytes(ChunkProfile profile) {
  return std::size_t{65536} >> static_cast<unsigned>(profile);
}
constexpr std::size_t min_chunk_bytes(ChunkProfile profile) {
  return mean_chunk_bytes(profile) / 2;
}
constexpr std::size_t max_chunk_bytes(ChunkProfile profile) {
  return mean_chunk_bytes(profile) * 2;
}

enum class Cutting : std::uint8_t {
  by_content = 0,  // finds what moved within a file
  aligned = 1,     // every mean_chunk_bytes(): for files whose blocks are overwritten in place
};

// The length of the first chunk of `data` when cut by content. `data` has max_chunk_bytes(), or all
// there is.
std::size_t find_cut(Bytes data, ChunkProfile profile, const CutLoops& loops = cut_loops());

// What a stream consists of, in order.
struct Piece {
  Bytes bytes;              // a chunk; or none, and then
  std::uint64_t zeros = 0;  // that many zero bytes
};

// Takes a stream in pieces of any size, zeros for its holes, and hands on its chunks and zero runs.
// Zeros that were written and zeros of holes are one and the same. A zero run begins where a chunk
// would have begun and is at least min_chunk_bytes() long, or all that is left; when cutting
// aligned it consists of whole chunks.
class StreamCutter {
 public:
  // Gets some pieces together, whose bytes are valid until it returns. An error ends the stream and
  // is returned to whoever wrote.
  using Sink = std::function<Status(std::span<const Piece>)>;

  // `batch_bytes`: how much is gathered before it is cut; at least what a cut needs. What is
  // written in pieces of that size and more is cut where it lies.
  StreamCutter(ChunkProfile profile, Cutting cutting, std::size_t batch_bytes, Sink sink);

  Status write(Bytes bytes);
  Status write_zeros(std::uint64_t count);
  // `last` is the end of the stream, and cut where it lies if it is not very short. No more write()
  // after it.
  Status finish(Bytes last = {});

 private:
  Status write_in_place(Bytes& bytes);
  void cut_gathered_with(Bytes& bytes);
  Status cut_gathered(bool at_end);
  std::size_t cut(Bytes bytes, bool at_end);
  Status hand_on();
  std::size_t zeros_to_elide(Bytes ahead, bool at_end) const;
  void end_zero_run();
  void make_room(std::size_t more);
  std::size_t step_of(std::uint64_t wanted) const;

  const ChunkProfile profile_;
  const Cutting cutting_;
  const std::size_t batch_bytes_;
  const Sink sink_;
  std::vector<std::byte> buffer_;  // its first `filled_` bytes have not been handed on
  std::size_t filled_ = 0;
  std::uint64_t zero_run_ = 0;  // the run under way: elided, not handed on
  std::vector<Piece> pieces_;
};

}  // namespace stillframe::chunkstore

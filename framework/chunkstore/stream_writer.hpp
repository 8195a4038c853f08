// Writes one stream into a store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/cut.hpp"
#include "framework/chunkstore/store.hpp"

namespace stillframe::chunkstore {

// What became of a stream.
struct WrittenStream {
  StreamId id;
  StreamKind kind = StreamKind::general;
  Cutting cutting = Cutting::by_content;
  std::uint64_t bytes = 0;
  std::uint64_t zero_bytes = 0;  // elided
  std::uint64_t chunks = 0;
  std::uint64_t new_chunks = 0;
  std::uint64_t new_bytes = 0;  // before compression
};

// As many chunks as are worth taking their fingerprints side by side, and still in the processor's
// cache.
constexpr std::size_t kStreamPieceBytes = std::size_t{4} << 20;

// Bytes and holes in order, in pieces of any size. Those of kStreamPieceBytes and more, and the
// last one, are not copied on their way: a short file is best given to finish() as a whole. The
// store outlives it. A writer that is dropped before finish() leaves chunks that nobody names.
class StreamWriter {
 public:
  StreamWriter(StreamWriter&&) noexcept;
  StreamWriter& operator=(StreamWriter&&) = delete;
  ~StreamWriter();

  Status write(Bytes bytes);
  Status write_zeros(std::uint64_t count);
  // With `last` as its end. The stream is durable after the store's next commit(). Only once.
  Result<WrittenStream> finish(Bytes last = {});

 private:
  friend class Store;
  struct State;
  StreamWriter(Store& store, std::optional<StreamKind> kind);
  std::unique_ptr<State> state_;
};

}  // namespace stillframe::chunkstore

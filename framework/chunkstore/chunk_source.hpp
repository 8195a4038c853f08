// Whatever has chunks to read, by their names: a store, or a reader beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/container_reader.hpp"
#include "framework/chunkstore/stream_map.hpp"

namespace stillframe::chunkstore {

// Keeps the frames that were read last: neighbours mostly lie in one. For one thread at a time.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // With the cipher of a store that is encrypted.
  explicit ChunkSource(std::shared_ptr<const StoreCipher> cipher = nullptr)
      : codec_(std::move(cipher)) {}
  ChunkSource(const ChunkSource&) = delete;
  ChunkSource& operator=(const ChunkSource&) = delete;

  // The bytes are valid until the next call.
  struct StoredChunk {
    Fingerprint fingerprint;
    Bytes bytes;
  };
  Result<StoredChunk> read_chunk(ChunkName name);
  Result<StreamMap> read_map(ChunkName name, int level_max);

 protected:
  // The frame that has the chunk, and a file that stays open as long as this lives.
  struct Place {
    FrameRecord frame;
    std::uint32_t generation = 1;
    const File* file = nullptr;
    std::shared_ptr<const ContainerReader> keep;
  };
  // not_found: there is no such chunk.
  virtual Result<Place> place_of(ChunkName name) = 0;

  static Error no_such_chunk(ChunkName name);
  static Result<Place> place_in(std::shared_ptr<const ContainerReader> reader, ChunkName name);

 private:
  Result<std::shared_ptr<const Frame>> frame_of(ChunkName name);

  // A generation has its frames in other places than the one before.
  struct CachedFrame {
    ContainerFile container;
    std::uint64_t offset = 0;
    std::shared_ptr<const Frame> frame;
  };
  std::vector<CachedFrame> frames_;  // the last few, the newest at the end
  FrameCodec codec_;
};

}  // namespace stillframe::chunkstore

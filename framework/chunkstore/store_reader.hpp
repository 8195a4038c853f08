// Reads a store beside whoever writes it, in another thread or another process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include <stillframe/result.hpp>

#include "framework/chunkstore/chunk_source.hpp"
#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/stream_reader.hpp"

namespace stillframe::chunkstore {

constexpr std::size_t kReaderFooterBytes = std::size_t{16} << 20;  // of containers used last

// Sees the store as of the commit there was when it was opened or refreshed last, waits for nobody
// and changes nothing. A stream that is removed and collected meanwhile is not_found; any other can
// be read throughout. For one thread at a time; each thread opens its own.
class StoreReader final : public ChunkSource {
 public:
  // `cipher`: of one that is encrypted, from unlock_store() or from the store beside it.
  // access_denied without it, wrong_state with one that is not needed.
  static Result<std::unique_ptr<StoreReader>> open(
      Files& files, const BytePath& folder, std::size_t footer_memory_bytes = kReaderFooterBytes,
      std::shared_ptr<const StoreCipher> cipher = nullptr);

  Result<StreamReader> read_stream(StreamId id);
  // Goes on with the last commit there is now. Streams that are being read are not disturbed.
  Status refresh();
  const CommitRecord& as_of() const { return record_; }

 private:
  friend class Scrub;

  // A container that was appended to at that commit: no footer then, perhaps one now.
  struct Unsealed {
    std::uint32_t id = 0;
    std::unique_ptr<File> file;
    ContainerTable table;
    std::optional<Error> damage;
  };

  StoreReader(Files& files, const BytePath& folder, const CommitRecord& record,
              std::size_t footer_memory_bytes, std::shared_ptr<const StoreCipher> cipher);
  Result<Place> place_of(ChunkName name) override;
  Status take(const CommitRecord& record);
  Unsealed open_unsealed(const OpenContainer& committed, ContainerKind kind) const;
  Status list_containers();
  Result<std::shared_ptr<const ContainerReader>> sealed(std::uint32_t id);

  Files& files_;
  const BytePath folder_;
  const std::shared_ptr<const StoreCipher> cipher_;
  CommitRecord record_;
  std::array<Unsealed, 2> unsealed_;
  SealedContainers sealed_;
};

}  // namespace stillframe::chunkstore

// The chunk store: the content of many files in one folder, each run of bytes once.
//
// A stream is written, then committed; from then on it is there, whatever happens, under its id.
// What was not committed when a program ends is gone without a trace. Nothing is ever changed in
// place, so a copy of the folder taken at one instant is a store, as of its last commit.
//
// Everything here is for one thread at a time, and beside it one Collection may run in another.
// Whoever only reads opens a StoreReader, in any thread or process. Nobody else has the store open:
// on a real file system the caller holds a FileLock of its own choosing as long as it is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/chunk_index.hpp"
#include "framework/chunkstore/chunk_source.hpp"
#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/container_directory.hpp"
#include "framework/chunkstore/container_writer.hpp"
#include "framework/chunkstore/hotspots.hpp"
#include "framework/chunkstore/live_chunks.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

struct StoreOptions {
  Compression compression = Compression::zstd;              // of what is written from now on
  std::uint64_t container_bytes = kContainerBytesMax;       // sealed when they are that long
  std::size_t footer_memory_bytes = std::size_t{64} << 20;  // of containers used last
  // Of an encrypted store: what its key file has. Not kept.
  std::optional<Key256> key;
  RandomBytes random = random_from_kernel;
};

// What a store has, from its containers.
struct StoreCounts {
  std::uint64_t chunks = 0;       // of data
  std::uint64_t containers = 0;   // of both kinds, with those that are appended to
  std::uint64_t damaged = 0;      // containers without a valid footer
  std::uint64_t index_bytes = 0;  // in memory
};

// A container, chunk or stream that is not what it should be.
struct Damage {
  std::uint32_t container = 0;
  Error error;
};

// Bytes that are wrong or cannot be read: of this container alone. Anything else is the machine's
// trouble, and no reason to go on without it.
bool is_damage(const Error& error);

class Collection;
class StreamReader;
class StreamWriter;

// What a stream that is being written names already: a collection keeps it.
struct UnfinishedStream {
  StreamMap part, root;
};

class Store final : public ChunkSource {
 public:
  // Makes an empty store in `folder`, which may exist and must not have one. A crash leaves a whole
  // store or none. With a key it is encrypted, and opens with that alone.
  static Status create(Files& files, const BytePath& folder, ChunkProfile profile,
                       const std::optional<Key256>& key = std::nullopt,
                       const RandomBytes& random = random_from_kernel);

  // Puts right what a crash left behind, and reads all footers. A damaged container is counted and
  // left alone; reading what is in it fails, everything else works. Before anything is done:
  // access_denied without the key of an encrypted store or with another, wrong_state with a key of
  // one that is not.
  static Result<std::unique_ptr<Store>> open(Files& files, const BytePath& folder,
                                             const StoreOptions& options = {});
  ~Store() override;

  // Several streams may be written in turn and at once. `kind`: told by content if none is given.
  StreamWriter write_stream(std::optional<StreamKind> kind = std::nullopt);

  // Makes every finished stream durable. Costs some syncs: worth some hundred streams, or 256 MiB.
  // After an error, here or in a stream, this Store takes no more (wrong_state names the first
  // error), and the next one has what was committed.
  Status commit();

  // A stream of an earlier commit(), or of a finished stream since.
  Result<StreamReader> read_stream(StreamId id);

  // Begins to remove what no stream names any more; collection.hpp says how it goes on. Commits,
  // and ends the containers under way: that of stream maps, and with `also_recent` that of data.
  // One at a time (wrong_state).
  Result<std::unique_ptr<Collection>> begin_collection(bool also_recent = false);

  // Each of these chunks is there twice from now on, in two containers: at most kMapExtentsMax of
  // them, in place of those of the call before, whose copies are garbage now. `may_write` is asked
  // before each that is there once, with its bytes; without it that one is left out. Commits.
  // wrong_state while the store is collected.
  Result<HotspotCopies> keep_copies(std::span<const ChunkName> chunks,
                                    const std::function<bool(std::uint64_t)>& may_write = {});
  // Writes a complete container of data as its next generation, with each chunk that is damaged
  // taken from another container that has it too. Returns how many. not_found: there is none for
  // one of them, and the container stays as it is. wrong_state while the store is collected.
  Result<std::uint64_t> repair(std::uint32_t container);

  // Reads everything, and compares every chunk with its fingerprint. Damage is a finding and no
  // error.
  Result<std::vector<Damage>> verify();

  StoreCounts counts() const;
  bool is_encrypted() const { return cipher_ != nullptr; }
  // For a reader beside it; null if it is not encrypted.
  const std::shared_ptr<const StoreCipher>& cipher() const { return cipher_; }
  ChunkProfile profile() const { return commits_.last().profile; }

 private:
  friend class Collection;
  friend class StreamWriter;

  Store(Files& files, BytePath folder, const StoreOptions& options, CommitFile commits,
        std::shared_ptr<const StoreCipher> cipher);

  // Opening, in store_open.cpp.
  Status recover();
  Result<std::vector<ContainerFile>> list_containers();
  Status remove_what_was_not_committed(const std::vector<ContainerFile>& found);
  Status resume(const OpenContainer& open, ContainerKind kind);
  Status learn(const std::vector<ContainerFile>& generations);

  // Writing.
  struct Added {
    ChunkName name;
    bool is_new = false;
  };
  Result<Added> add_chunk(const Fingerprint& fingerprint, Bytes bytes);
  Result<ChunkName> add_map(const StreamMap& map);
  std::optional<ChunkName> find_chunk(const Fingerprint& fingerprint);
  Result<ChunkName> append(ContainerKind kind, const Fingerprint& fingerprint, Bytes bytes);
  Status begin_container(ContainerKind kind);
  Status seal(ContainerKind kind);
  Status usable() const;

  // Copies and repair, in hotspots.cpp.
  Status learn_hotspots();
  Status write_hotspots(StreamId copies);
  bool is_collected() const;
  Result<ChunkRecord> record_of(ChunkName name);
  std::vector<ChunkName> copies_of(const Fingerprint& fingerprint, std::uint32_t container);
  Result<ChunkName> write_copy(ChunkName name, const StoredChunk& chunk);
  Result<std::vector<std::byte>> good_copy(const ChunkRecord& chunk, std::uint32_t container);
  Result<DirectorySlot> write_repaired(const ContainerReader& from, ContainerFile before,
                                       const BytePath& path, std::uint64_t& repaired);
  Status repair_frame(const ContainerReader& from, std::uint32_t container,
                      const FrameRecord& record, std::span<const ChunkRecord> chunks,
                      ContainerWriter& to, std::uint64_t& repaired);
  // The next generation, whole under an unfinished name, takes the place of this one.
  Status replace_container(ContainerFile before, const BytePath& unfinished,
                           const DirectorySlot& next);

  // What is on the disk after a failed write is not known: only opening the store finds out.
  template <class T>
  Result<T> keep_failure(Result<T> outcome) {
    if (!outcome.ok() && !broken_) broken_ = outcome.error();
    return outcome;
  }
  std::optional<ContainerWriter>& writer(ContainerKind kind);

  Result<Place> place_of(ChunkName name) override;
  void verify_container(const ContainerFile& container, bool of_maps, const ContainerTable& table,
                        const File& file, std::vector<Damage>& found);
  Status verify_frame(const Frame& frame, bool of_maps);
  Status verify_map(Bytes bytes);
  std::map<std::uint32_t, std::uint32_t> sealed_generations() const;

  BytePath container_path(ContainerFile file) const;

  Files& files_;
  const BytePath folder_;
  const StoreOptions options_;
  CommitFile commits_;
  const std::shared_ptr<const StoreCipher> cipher_;
  FrameCodec codec_;
  std::unique_ptr<ContainerDirectory> directory_;
  std::optional<ContainerWriter> data_, maps_;
  std::uint32_t next_container_ = 1;
  bool new_names_ = false;  // a container was made that its folder may not have yet

  std::set<const UnfinishedStream*> unfinished_;

  struct FingerprintHash {
    std::size_t operator()(const Fingerprint& fingerprint) const noexcept;
  };
  std::unordered_map<Fingerprint, std::uint32_t, FingerprintHash> recent_;  // of data_: local ids

  std::optional<StreamId> hotspots_;
  std::vector<Damage> damaged_;
  std::optional<Error> broken_;

  // What a collection changes and asks for in its thread.
  mutable std::mutex mutex_;
  SealedContainers sealed_;
  ChunkIndex index_;  // of sealed data containers
  std::unique_ptr<LiveChunks> collecting_;
};

}  // namespace stillframe::chunkstore

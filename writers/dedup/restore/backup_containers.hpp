// The containers of a backup's store: where their frames are, and the chunks that are wanted of
// them, each byte read at most once and in the order that the program chose.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "framework/chunkstore/commit_record.hpp"
#include "framework/chunkstore/container_directory.hpp"
#include "framework/chunkstore/container_format.hpp"
#include "framework/chunkstore/store_key.hpp"
#include "writers/dedup/restore/backup_files.hpp"
#include "writers/dedup/restore/read_plan.hpp"

namespace stillframe::dedup {

// A file of the store, as the backup knows it.
BytePath backup_store_path(const BytePath& name);

// A chunk that a file needs. Of a stream map: the one of the file's bytes from `offset` on.
struct WantedChunk {
  chunkstore::ChunkName name;
  std::uint32_t file = 0;  // an index of the caller's
  std::uint32_t tag = 0;
  std::uint64_t bytes = 0;  // 0: of a length that is not known
  std::uint64_t offset = 0;
};

// Told of wanted chunks, those of one name together.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  virtual void take(std::span<const WantedChunk> wanted, const chunkstore::ChunkRecord& chunk,
                    Bytes bytes) = 0;
  virtual void fail(std::span<const WantedChunk> wanted, HRESULT why) = 0;
  // Whether nobody cares any more.
  virtual bool is_given_up(const WantedChunk& wanted) const = 0;
};

class BackupContainers {
 public:
  // `key`: of the backup's key file, when its store is encrypted.
  BackupContainers(BackupFiles& backup, const std::optional<chunkstore::Key256>& key)
      : backup_(backup), key_(key) {}
  ~BackupContainers();

  // Reads the commit records, without which nothing can be read, and what the store says of its
  // key. NTE_NO_KEY and NTE_BAD_KEY: it has another than was given, or none.
  HRESULT open();

  // Reads what is wanted, of one kind of containers. With `ask` the program is asked for the order.
  // Stops early only if the program ends the restore.
  void read(std::vector<WantedChunk> wanted, chunkstore::ContainerKind kind, bool ask,
            ChunkSink& sink);

 private:
  struct Container {
    chunkstore::ContainerFile file;
    BytePath path;
    std::uint64_t table_end = 0;     // of what was committed, or of the file
    std::uint64_t footer_bytes = 0;  // 0: it is appended to, and has none
    bool tables_read = false;
    HRESULT failed = S_OK;
    chunkstore::ContainerTable table;
    std::vector<std::byte> header, footer;
    std::map<std::uint64_t, std::vector<std::byte>> known;  // what was read on the way to tables
    std::map<std::uint64_t, chunkstore::Frame> frames;      // of stream maps, by offset
  };
  struct WantedFrame;
  using WantedFrames = std::map<std::uint64_t, WantedFrame>;  // of a container, by offset
  void find_frames(std::span<const WantedChunk> wanted, ChunkSink& sink,
                   std::map<std::uint32_t, WantedFrames>& frames);
  void add_bytes(Container& container, WantedFrame& frame, std::uint64_t offset, Bytes bytes,
                 ChunkSink& sink);
  void take_frame(Container& container, WantedFrame& frame, ChunkSink& sink);
  using Pieces = std::map<std::uint32_t, std::vector<ByteRange>>;  // by container
  using Got = std::function<void(Container&, std::uint64_t offset, Bytes)>;
  using Lost = std::function<void(Container&, ByteRange, HRESULT)>;

  HRESULT read_commits();
  HRESULT unlock();
  void learn_places(const std::vector<std::uint32_t>& ids);
  void learn_slots(std::span<const std::uint32_t> ids);
  void plan(const std::vector<std::uint32_t>& ids, bool ask);
  void read_tables(const std::vector<std::uint32_t>& ids, chunkstore::ContainerKind kind);
  void read_pieces(const Pieces& pieces, const Got& got, const Lost& lost);
  HRESULT parse_tables(Container& container, chunkstore::ContainerKind kind);
  HRESULT walk_frames(Container& container);
  HRESULT read_now(Container& container, ByteRange part, MutableBytes into);

  BackupFiles& backup_;
  std::optional<chunkstore::Key256> key_;  // until it was used
  std::shared_ptr<const chunkstore::StoreCipher> cipher_;
  chunkstore::CommitRecord record_;
  std::map<std::uint32_t, Container> containers_;
  // By id: containers that came later are behind those of earlier plans.
  struct Step {
    std::uint32_t container = 0;
    ByteRange part;
  };
  std::vector<Step> plan_;
  std::optional<chunkstore::FrameCodec> codec_;
  bool keeps_frames_ = false;
  std::size_t kept_bytes_ = 0;  // in frames
};

}  // namespace stillframe::dedup

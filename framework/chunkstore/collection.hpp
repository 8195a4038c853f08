// Garbage collection: removes from a store what no stream names any more, while streams are written
// and read. docs/formats/chunk-store.md has the order of its steps and what a crash leaves behind.
//
//   auto collection = store.begin_collection();     // in the store's thread
//   for (every stream that is to stay) collection->mark(stream);
//   collection->plan(Collection::kRegular);         // can be looked at and printed
//   collection->run();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/store_reader.hpp"

namespace stillframe::chunkstore {

// A container with something that no stream names.
struct PlannedContainer {
  ContainerFile file;
  ContainerKind kind = ContainerKind::data;
  std::uint32_t chunks = 0, live_chunks = 0;
  std::uint64_t bytes = 0, live_bytes = 0;  // of the chunks, before compression
};

struct CollectionPlan {
  std::vector<PlannedContainer> containers;  // in the order in which they are dealt with
  std::uint64_t dead_chunks = 0, dead_bytes = 0;
  std::uint64_t left_bytes = 0;  // dead, in containers of which too little is
  std::vector<Damage> damaged;   // left alone: without a footer that can be read
};
std::string to_string(const CollectionPlan& plan);  // a line each

struct CollectionResult {
  std::uint32_t rewritten = 0, removed = 0;  // containers
  std::uint64_t dropped_chunks = 0;
  std::uint64_t freed_bytes = 0;  // of files
  bool complete = true;           // nobody stopped it
  std::vector<Damage> damaged;    // left alone: something live in there cannot be read
};

// A stream is removed by not being marked. What is written or found again from begin_collection()
// on stays by itself, and so does all that a StreamWriter of then had written; a stream that was
// finished before has to be marked. Nothing is guessed: with a stream whose map cannot be read, all
// is kept.
//
// For one thread at a time, any one. The store outlives it, and can be written meanwhile; a
// StoreReader beside it reads every stream that was marked. Ends when it is destroyed.
class Collection {
 public:
  // From which share of dead bytes on a container of data is rewritten. Those of stream maps are as
  // soon as there is one that is dead, so that every map that is there names chunks that are.
  static constexpr double kRegular = 0.30, kFull = 0.0;

  ~Collection();
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // An error (the stream's map cannot be read) ends the collection: plan() and run() repeat it.
  Status mark(StreamId id);

  // Reads footers. What is live meanwhile may become more until run().
  Result<CollectionPlan> plan(double dead_share_min);

  // Carries out the last plan, container by container; `go_on` is asked before each. After an error
  // or a stop the store has everything it had but what was dropped so far, and another collection
  // may begin. Needs space for one container.
  Result<CollectionResult> run(const std::function<bool()>& go_on = {});

 private:
  friend class Store;
  Collection(Store& store, std::unique_ptr<StoreReader> reader, std::uint32_t next_container);

  Status mark_map(ChunkName name, int level_max);
  Status mark_unfinished();
  Status mark_copies();
  Status note(Status s);
  Status deal_with(const PlannedContainer& planned);
  Status remove_container(const ContainerReader& from, const PlannedContainer& planned);
  Status rewrite(const ContainerReader& from, const PlannedContainer& planned,
                 const std::vector<bool>& live);
  Result<DirectorySlot> write_live(const ContainerReader& from, const PlannedContainer& planned,
                                   const std::vector<bool>& live, const BytePath& path);
  std::vector<bool> decide(const ContainerReader& from, std::uint32_t id);
  Result<std::shared_ptr<const ContainerReader>> open(ContainerFile file) const;
  BytePath containers() const;

  Store& store_;
  const std::unique_ptr<StoreReader> reader_;  // as of the beginning
  const std::uint32_t next_container_;         // ids from here on are newer than the collection
  FrameCodec codec_;
  std::optional<Error> failed_;
  std::optional<CollectionPlan> plan_;
  CollectionResult result_;
};

}  // namespace stillframe::chunkstore

#include "framework/chunkstore/collection.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "framework/base/path.hpp"

namespace stillframe::chunkstore {

// Both commit records are made to say the same: the one before last, which counts should the last
// one rot, may name as open what is rewritten from here on.
Result<std::unique_ptr<Collection>> Store::begin_collection(bool also_recent) {
  if (Status s = usable(); !s.ok()) return s.error();
  {
    const std::lock_guard lock(mutex_);
    if (collecting_) return Error(Errc::wrong_state, "the chunk store is being collected already");
  }
  for (const ContainerKind kind : {ContainerKind::data, ContainerKind::stream_maps}) {
    if (!writer(kind) || (kind == ContainerKind::data && !also_recent)) continue;
    if (Status s = keep_failure(seal(kind)); !s.ok()) return s.error();
  }
  if (Status s = commit(); !s.ok()) return s.error();
  if (Status s = keep_failure(commits_.commit(commits_.last())); !s.ok()) return s.error();
  auto reader = StoreReader::open(files_, folder_, kReaderFooterBytes, cipher_);
  if (!reader.ok()) return reader.error();
  {
    const std::lock_guard lock(mutex_);
    collecting_ = std::make_unique<LiveChunks>();
    for (const auto& [id, generation] : sealed_.generations()) {
      const bool damaged = std::any_of(
          damaged_.begin(), damaged_.end(),
          [&, container = id](const Damage& each) { return each.container == container; });
      if (!damaged) collecting_->add_container(id);
    }
  }
  std::unique_ptr<Collection> collection(
      new Collection(*this, std::move(reader).value(), next_container_));
  if (Status s = collection->mark_unfinished(); !s.ok()) return s.error();
  if (Status s = collection->mark_copies(); !s.ok()) return s.error();
  return collection;
}

Collection::Collection(Store& store, std::unique_ptr<StoreReader> reader,
                       std::uint32_t next_container)
    : store_(store),
      reader_(std::move(reader)),
      next_container_(next_container),
      codec_(store.cipher_) {}

Collection::~Collection() {
  const std::lock_guard lock(store_.mutex_);
  store_.collecting_.reset();
}

BytePath Collection::containers() const {
  return join_path(store_.folder_, "containers");
}

Result<std::shared_ptr<const ContainerReader>> Collection::open(ContainerFile file) const {
  return ContainerReader::open(store_.files_, store_.container_path(file), reader_->as_of().store,
                               file, codec_.cipher());
}

Status Collection::note(Status s) {
  if (!s.ok() && !failed_) failed_ = s.error();
  return s;
}

// ---- what is live

Status Collection::mark(StreamId id) {
  if (failed_) return *failed_;
  if (plan_) return Error(Errc::wrong_state, "a collection is planned when all is marked");
  if (id.map.container >= next_container_) return Ok{};  // written since
  return note(mark_map(id.map, 1));
}

Status Collection::mark_unfinished() {
  for (const UnfinishedStream* each : store_.unfinished_) {
    {
      const std::lock_guard lock(store_.mutex_);
      for (const Extent& extent : each->part.extents) store_.collecting_->mark(extent.chunk);
    }
    for (const Extent& part : each->root.extents) {
      if (Status s = mark_map(part.chunk, 0); !s.ok()) return s;
    }
  }
  return Ok{};
}

// Copies that cannot be told any more are no loss: they are made again.
Status Collection::mark_copies() {
  if (!store_.hotspots_) return Ok{};
  const ChunkName name = store_.hotspots_->map;
  const auto map = reader_->read_map(name, 0);
  if (map.ok()) return mark_map(name, 0);
  if (!is_damage(map.error())) return map.error();
  store_.hotspots_.reset();
  return Ok{};
}

// A map's own bit is set once all that it names has been marked.
Status Collection::mark_map(ChunkName name, int level_max) {
  {
    const std::lock_guard lock(store_.mutex_);
    if (store_.collecting_->is_marked(name)) return Ok{};
  }
  const auto map = reader_->read_map(name, level_max);
  if (!map.ok()) {
    return map.error().while_doing(
        "read what a stream consists of, without which nothing can be "
        "removed");
  }
  for (const Extent& part : map.value().extents) {
    if (map.value().level == 0) break;
    if (Status s = mark_map(part.chunk, 0); !s.ok()) return s;
  }
  const std::lock_guard lock(store_.mutex_);
  if (map.value().level == 0) {
    for (const Extent& extent : map.value().extents) store_.collecting_->mark(extent.chunk);
  }
  store_.collecting_->mark(name);
  return Ok{};
}

// ---- what is to be done

namespace {

void count(const ContainerTable& table, const std::vector<bool>& live, PlannedContainer& into) {
  for (const ChunkRecord& chunk : table.chunks) {
    const bool lives = is_live(live, chunk.local_id);
    ++into.chunks;
    into.bytes += chunk.bytes;
    into.live_chunks += lives ? 1 : 0;
    into.live_bytes += lives ? chunk.bytes : 0;
  }
}

bool is_worth_it(const PlannedContainer& container, double dead_share_min) {
  if (container.live_chunks == container.chunks) return false;
  if (container.kind == ContainerKind::stream_maps || container.live_chunks == 0) return true;
  const auto dead = static_cast<double>(container.bytes - container.live_bytes);
  return dead >= dead_share_min * static_cast<double>(container.bytes);
}

}  // namespace

Result<CollectionPlan> Collection::plan(double dead_share_min) {
  if (failed_) return *failed_;
  CollectionPlan plan;
  for (const auto& [id, generation] : store_.sealed_generations()) {
    std::vector<bool> live;
    {
      const std::lock_guard lock(store_.mutex_);
      if (!store_.collecting_->has_container(id)) continue;
      live = store_.collecting_->live(id);
    }
    const auto reader = open({id, generation});
    if (!reader.ok()) {
      if (!is_damage(reader.error())) return note(reader.error()).error();
      plan.damaged.push_back({id, reader.error()});
      continue;
    }
    PlannedContainer container{{id, generation}, reader.value()->kind()};
    count(reader.value()->table(), live, container);
    if (!is_worth_it(container, dead_share_min)) {
      plan.left_bytes += container.bytes - container.live_bytes;
      continue;
    }
    plan.dead_chunks += container.chunks - container.live_chunks;
    plan.dead_bytes += container.bytes - container.live_bytes;
    plan.containers.push_back(container);
  }
  // Maps first, so that none names what is not there. Then what frees most for the least work.
  std::sort(plan.containers.begin(), plan.containers.end(),
            [](const PlannedContainer& a, const PlannedContainer& b) {
              return std::tuple(a.kind == ContainerKind::data, a.live_bytes, a.file.id) <
                     std::tuple(b.kind == ContainerKind::data, b.live_bytes, b.file.id);
            });
  plan_ = plan;
  return plan;
}

std::string to_string(const CollectionPlan& plan) {
  std::string text;
  for (const PlannedContainer& each : plan.containers) {
    text += (each.live_chunks == 0 ? "remove container " : "rewrite container ") +
            std::to_string(each.file.id) +
            (each.kind == ContainerKind::data ? " of data: " : " of stream maps: ") +
            std::to_string(each.live_chunks) + " of " + std::to_string(each.chunks) +
            " chunks are live, " + std::to_string(each.live_bytes) + " of " +
            std::to_string(each.bytes) + " bytes\n";
  }
  return text;
}

}  // namespace stillframe::chunkstore

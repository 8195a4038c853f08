#include "framework/chunkstore/scrub.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "framework/base/path.hpp"

namespace stillframe::chunkstore {

class Scrub {
 public:
  using GoOn = std::function<bool(const ScrubProgress&)>;

  Scrub(StoreReader& reader, ScrubDepth depth, const GoOn& go_on, std::uint32_t references_min)
      : reader_(reader),
        depth_(depth),
        go_on_(go_on),
        references_min_(references_min),
        codec_(reader.cipher_) {}

  Status look_at_all(std::span<const StreamId> streams);

  ScrubReport report;

 private:
  std::vector<std::uint32_t> containers() const;
  Status look_at_container(std::uint32_t id);
  Status look_at_stream(StreamId id);
  Result<std::uint64_t> file_bytes(std::uint32_t id) const;
  Status may_go_on() const;

  struct Opened {
    const File* file = nullptr;
    const ContainerTable* table = nullptr;
    std::shared_ptr<const ContainerReader> keep;
  };
  // What a stream map says of a chunk, and whether that can be read.
  struct Chunk {
    std::uint32_t local_id = 0, bytes = 0, tag = 0;
    bool good = true;
  };
  using Chunks = std::vector<Chunk>;  // by local id
  struct Known {
    std::uint32_t id = 0;
    std::optional<Error> error;
    Chunks chunks;
  };

  Result<Opened> open(std::uint32_t id);
  void compare_frame(std::uint32_t id, const Opened& container, std::size_t frame);
  const Known& known(std::uint32_t id);
  std::optional<Error> fault_of(const Extent& extent);
  void look_at_map(const StreamMap& map, std::uint64_t offset, LostStream& lost);
  void count_reference(ChunkName name);
  void find_hot_chunks();
  static void add_range(LostStream& lost, LostRange range, const Error& why);

  StoreReader& reader_;
  const ScrubDepth depth_;
  const GoOn& go_on_;
  const std::uint32_t references_min_;
  std::map<std::uint32_t, std::vector<std::uint16_t>> references_;  // by local id
  ScrubProgress progress_;
  FrameCodec codec_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> bad_;  // local ids, in order
  std::vector<Known> known_;                                 // the last few
};

// All there are, the open ones included.
std::vector<std::uint32_t> Scrub::containers() const {
  std::vector<std::uint32_t> ids;
  for (const auto& open : reader_.unsealed_) {
    if (open.id != 0) ids.push_back(open.id);
  }
  for (const auto& [id, generation] : reader_.sealed_.generations()) {
    const bool is_open = std::find(ids.begin(), ids.end(), id) != ids.end();
    if (!is_open && id < reader_.record_.next_container) ids.push_back(id);
  }
  return ids;
}

Result<Scrub::Opened> Scrub::open(std::uint32_t id) {
  for (const auto& each : reader_.unsealed_) {
    if (each.id != id) continue;
    if (each.damage) return *each.damage;
    return Opened{each.file.get(), &each.table, nullptr};
  }
  auto sealed = reader_.sealed(id);
  if (!sealed.ok()) return sealed.error();
  const ContainerReader& it = *sealed.value();
  return Opened{&it.file(), &it.table(), std::move(sealed).value()};
}

// Containers that were collected since they were listed are no loss.
Status Scrub::look_at_container(std::uint32_t id) {
  const auto container = open(id);
  if (!container.ok()) {
    if (!is_damage(container.error())) return container.error();
    const bool collected = container.error().code() == Errc::not_found;
    if (!collected) report.damage.push_back({id, container.error()});
    return Ok{};
  }
  ++report.containers;
  if (depth_ == ScrubDepth::regular) return Ok{};
  const std::vector<FrameRecord>& frames = container.value().table->frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    compare_frame(id, container.value(), i);
    progress_.done_bytes += frames[i].stored_bytes;
    if (Status s = may_go_on(); !s.ok()) return s;
  }
  return Ok{};
}

void Scrub::compare_frame(std::uint32_t id, const Opened& container, std::size_t frame) {
  const FrameRecord& record = container.table->frames[frame];
  const auto read = read_frame(*container.file, id, record, codec_);
  if (!read.ok()) {
    const bool last = frame + 1 == container.table->frames.size();
    const std::uint32_t end =
        last ? kContainerChunksMax : container.table->frames[frame + 1].first_local_id;
    for (const ChunkRecord& chunk : container.table->chunks) {
      const std::uint32_t local_id = chunk.local_id;
      if (local_id >= record.first_local_id && local_id < end) bad_[id].push_back(local_id);
    }
    std::sort(bad_[id].begin(), bad_[id].end());
    report.damage.push_back({id, read.error()});
    return;
  }
  const Frame& it = read.value();
  std::vector<Bytes> chunks;
  for (const ChunkRecord& chunk : it.chunks) chunks.push_back(it.find(chunk.local_id)->bytes);
  std::vector<Fingerprint> sums(chunks.size());
  stored_fingerprints(chunks, sums, codec_.cipher());
  report.chunks += chunks.size();
  report.bytes += it.bytes.size();
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] == it.chunks[i].fingerprint) continue;
    bad_[id].push_back(it.chunks[i].local_id);
    report.damage.push_back(
        {id, Error(Errc::corrupt, "chunk " + std::to_string(it.chunks[i].local_id) +
                                      " does not have its fingerprint")});
  }
}

// ---- streams

const Scrub::Known& Scrub::known(std::uint32_t id) {
  constexpr std::size_t kKnownMax = 16;
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const Known& each) { return each.id == id; });
  if (found != known_.end()) return *found;
  if (known_.size() == kKnownMax) known_.erase(known_.begin());
  Known it{id, std::nullopt, {}};
  const auto container = open(id);
  if (!container.ok()) {
    it.error = container.error();
  } else {
    const std::vector<std::uint32_t>& bad = bad_[id];
    for (const ChunkRecord& chunk : container.value().table->chunks) {
      const bool good = !std::binary_search(bad.begin(), bad.end(), chunk.local_id);
      it.chunks.push_back({chunk.local_id, chunk.bytes, fingerprint_tag(chunk.fingerprint), good});
    }
    std::sort(it.chunks.begin(), it.chunks.end(),
              [](const Chunk& a, const Chunk& b) { return a.local_id < b.local_id; });
  }
  known_.push_back(std::move(it));
  return known_.back();
}

std::optional<Error> Scrub::fault_of(const Extent& extent) {
  if (extent.chunk.container == 0) return std::nullopt;
  const Known& container = known(extent.chunk.container);
  if (container.error) return container.error;
  const std::string name = "container " + std::to_string(extent.chunk.container) + ": chunk " +
                           std::to_string(extent.chunk.local_id);
  const auto found = std::lower_bound(
      container.chunks.begin(), container.chunks.end(), extent.chunk.local_id,
      [](const Chunk& chunk, std::uint32_t local_id) { return chunk.local_id < local_id; });
  if (found == container.chunks.end() || found->local_id != extent.chunk.local_id) {
    return Error(Errc::not_found, name + " is not there");
  }
  if (found->bytes != extent.bytes || found->tag != extent.tag) {
    return Error(Errc::corrupt, name + " is not the one that the stream map names");
  }
  if (!found->good) return Error(Errc::corrupt, name + " cannot be read");
  return std::nullopt;
}

Status Scrub::look_at_stream(StreamId id) {
  ++report.streams;
  LostStream lost{id, false, {}, Error(Errc::corrupt, "")};
  const auto root = reader_.read_map(id.map, 1);
  if (!root.ok()) {
    if (!is_damage(root.error())) return root.error();
    report.lost.push_back({id, true, {}, root.error()});
    return Ok{};
  }
  if (root.value().level == 0) {
    look_at_map(root.value(), 0, lost);
  } else {
    std::uint64_t offset = 0;
    for (const Extent& part : root.value().extents) {
      const auto map = reader_.read_map(part.chunk, 0);
      if (!map.ok() && !is_damage(map.error())) return map.error();
      if (!map.ok()) {
        add_range(lost, {offset, part.bytes}, map.error());
      } else if (map.value().bytes() != part.bytes) {
        add_range(lost, {offset, part.bytes},
                  Error(Errc::corrupt, "stream map: a part has another length than its root says"));
      } else {
        look_at_map(map.value(), offset, lost);
      }
      offset += part.bytes;
    }
  }
  if (!lost.ranges.empty()) report.lost.push_back(std::move(lost));
  return Ok{};
}

void Scrub::look_at_map(const StreamMap& map, std::uint64_t offset, LostStream& lost) {
  for (const Extent& extent : map.extents) {
    if (const auto fault = fault_of(extent)) add_range(lost, {offset, extent.bytes}, *fault);
    if (references_min_ > 0 && extent.chunk.container != 0) count_reference(extent.chunk);
    offset += extent.bytes;
  }
}

// One that is damaged, too: its copy is needed all the more.
void Scrub::count_reference(ChunkName name) {
  if (name.local_id >= kContainerChunksMax || known(name.container).error) return;
  std::vector<std::uint16_t>& counts = references_[name.container];
  if (counts.size() <= name.local_id) counts.resize(name.local_id + 1);
  if (counts[name.local_id] < kReferencesMax) ++counts[name.local_id];
}

void Scrub::find_hot_chunks() {
  for (const auto& [container, counts] : references_) {
    for (std::uint32_t local_id = 0; local_id < counts.size(); ++local_id) {
      if (counts[local_id] < references_min_) continue;
      report.hot.push_back({{container, local_id}, counts[local_id]});
    }
  }
  std::stable_sort(report.hot.begin(), report.hot.end(), [](const HotChunk& a, const HotChunk& b) {
    return a.references > b.references;
  });
  if (report.hot.size() > kMapExtentsMax) report.hot.resize(kMapExtentsMax);
}

void Scrub::add_range(LostStream& lost, LostRange range, const Error& why) {
  if (lost.ranges.empty()) lost.why = why;
  if (!lost.ranges.empty() &&
      lost.ranges.back().offset + lost.ranges.back().bytes == range.offset) {
    lost.ranges.back().bytes += range.bytes;
  } else {
    lost.ranges.push_back(range);
  }
}

// ---- all of it

Status Scrub::may_go_on() const {
  if (!go_on_ || go_on_(progress_)) return Ok{};
  return Error(Errc::cancelled, "the scrub was stopped");
}

// Nothing, where there is none to be read any more.
Result<std::uint64_t> Scrub::file_bytes(std::uint32_t id) const {
  for (const auto& each : reader_.unsealed_) {
    if (each.id == id) return each.damage ? Result<std::uint64_t>(0) : each.file->size();
  }
  const auto generation = reader_.sealed_.generations().find(id);
  if (generation == reader_.sealed_.generations().end()) return std::uint64_t{0};
  const BytePath name = container_file_name(id, generation->second);
  const auto file =
      reader_.files_.open(join_path(reader_.folder_, "containers/" + name), FileAccess::read);
  if (file.ok()) return file.value()->size();
  return is_damage(file.error()) ? Result<std::uint64_t>(0) : file.error();
}

Status Scrub::look_at_all(std::span<const StreamId> streams) {
  const std::vector<std::uint32_t> ids = containers();
  progress_.containers = ids.size();
  progress_.streams = streams.size();
  std::vector<std::uint64_t> sizes(ids.size());
  for (std::size_t i = 0; depth_ == ScrubDepth::deep && i < ids.size(); ++i) {
    const auto bytes = file_bytes(ids[i]);
    if (!bytes.ok()) return bytes.error();
    sizes[i] = bytes.value();
    progress_.bytes += sizes[i];
  }
  if (Status s = may_go_on(); !s.ok()) return s;
  std::uint64_t until_here = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (Status s = look_at_container(ids[i]); !s.ok()) return s;
    // With header and footer, and with what could not be read; of one that was collected since it
    // was measured, never less than before.
    until_here += sizes[i];
    progress_.done_bytes = std::max(progress_.done_bytes, until_here);
    progress_.bytes = std::max(progress_.bytes, progress_.done_bytes);
    ++progress_.done_containers;
    if (Status s = may_go_on(); !s.ok()) return s;
  }
  for (const StreamId id : streams) {
    if (Status s = look_at_stream(id); !s.ok()) return s;
    ++progress_.done_streams;
    if (Status s = may_go_on(); !s.ok()) return s;
  }
  if (references_min_ > 0) find_hot_chunks();
  return Ok{};
}

Result<ScrubReport> scrub(StoreReader& reader, std::span<const StreamId> streams, ScrubDepth depth,
                          const std::function<bool(const ScrubProgress&)>& go_on,
                          std::uint32_t references_min) {
  Scrub scrub(reader, depth, go_on, references_min);
  if (Status s = scrub.look_at_all(streams); !s.ok()) return s.error();
  return std::move(scrub.report);
}

}  // namespace stillframe::chunkstore

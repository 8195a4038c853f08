#include <utility>

#include "framework/chunkstore/store.hpp"

namespace stillframe::chunkstore {

Result<std::vector<Damage>> Store::verify() {
  std::vector<Damage> found = damaged_;
  for (std::optional<ContainerWriter>* open : {&data_, &maps_}) {
    if (!*open) continue;
    if (Status s = keep_failure((*open)->flush(codec_)); !s.ok()) return s.error();
    const ContainerHeader& header = (*open)->header();
    verify_container({header.id, header.generation}, header.kind == ContainerKind::stream_maps,
                     (*open)->table(), (*open)->file(), found);
  }
  for (const auto& [id, generation] : sealed_generations()) {
    const auto reader = [&, container = id] {
      const std::lock_guard lock(mutex_);
      return sealed_.get(container);
    }();
    if (!reader.ok()) {
      if (sealed_generations().count(id) == 0) continue;  // collected meanwhile
      bool known = false;
      for (const Damage& each : damaged_) known |= each.container == id;
      if (!known) found.push_back({id, reader.error()});
      continue;
    }
    verify_container({id, generation}, reader.value()->kind() == ContainerKind::stream_maps,
                     reader.value()->table(), reader.value()->file(), found);
  }
  return found;
}

void Store::verify_container(const ContainerFile& container, bool of_maps,
                             const ContainerTable& table, const File& file,
                             std::vector<Damage>& found) {
  for (const FrameRecord& record : table.frames) {
    const auto frame = read_frame(file, container.id, record, codec_);
    const Status s = frame.ok() ? verify_frame(frame.value(), of_maps) : Status(frame.error());
    if (!s.ok()) found.push_back({container.id, s.error()});
  }
}

Status Store::verify_frame(const Frame& frame, bool of_maps) {
  std::vector<Bytes> chunks;
  std::size_t at = 0;
  for (const ChunkRecord& record : frame.chunks) {
    chunks.push_back(Bytes(frame.bytes).subspan(at, record.bytes));
    at += record.bytes;
  }
  std::vector<Fingerprint> sums(chunks.size());
  stored_fingerprints(chunks, sums, codec_.cipher());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (sums[i] != frame.chunks[i].fingerprint) {
      return Error(Errc::corrupt, "chunk " + std::to_string(frame.chunks[i].local_id) +
                                      " does not have its fingerprint");
    }
    if (!of_maps) continue;
    if (Status s = verify_map(chunks[i]); !s.ok()) return s;
  }
  return Ok{};
}

// Whether there is a frame for each chunk it names: the chunk itself is looked at where it lies.
Status Store::verify_map(Bytes bytes) {
  const auto map = parse_stream_map(bytes);
  if (!map.ok()) return map.error();
  for (const Extent& extent : map.value().extents) {
    if (extent.chunk.container == 0) continue;
    if (const auto place = place_of(extent.chunk); !place.ok()) {
      return place.error().while_doing("look up what a stream map names");
    }
  }
  return Ok{};
}

}  // namespace stillframe::chunkstore

#include "framework/chunkstore/chunk_source.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace stillframe::chunkstore {

namespace {

constexpr std::size_t kFramesCached = 4;

}  // namespace

Result<StreamMap> ChunkSource::read_map(ChunkName name, int level_max) {
  auto chunk = read_chunk(name);
  if (!chunk.ok()) return chunk.error();
  auto map = parse_stream_map(chunk.value().bytes);
  if (map.ok() && map.value().level > level_max) {
    return Error(Errc::corrupt, "stream map: a part has parts of its own");
  }
  return map;
}

Result<ChunkSource::StoredChunk> ChunkSource::read_chunk(ChunkName name) {
  auto frame = frame_of(name);
  if (!frame.ok()) return frame.error();
  const auto found = frame.value()->find(name.local_id);
  if (!found) return no_such_chunk(name);
  return StoredChunk{found->record->fingerprint, found->bytes};
}

Result<std::shared_ptr<const Frame>> ChunkSource::frame_of(ChunkName name) {
  auto place = place_of(name);
  if (!place.ok()) return place.error();
  const Place& it = place.value();
  const auto cached = std::find_if(frames_.begin(), frames_.end(), [&](const CachedFrame& each) {
    return each.container.id == name.container && each.container.generation == it.generation &&
           each.offset == it.frame.offset;
  });
  if (cached != frames_.end()) {
    std::rotate(cached, cached + 1, frames_.end());
    return frames_.back().frame;
  }
  auto frame = read_frame(*it.file, name.container, it.frame, codec_);
  if (!frame.ok()) return frame.error();
  if (frames_.size() == kFramesCached) frames_.erase(frames_.begin());
  frames_.push_back({{name.container, it.generation},
                     it.frame.offset,
                     std::make_shared<const Frame>(std::move(frame).value())});
  return frames_.back().frame;
}

Error ChunkSource::no_such_chunk(ChunkName name) {
  return {Errc::not_found, "container " + std::to_string(name.container) + " has no chunk " +
                               std::to_string(name.local_id)};
}

Result<ChunkSource::Place> ChunkSource::place_in(std::shared_ptr<const ContainerReader> reader,
                                                 ChunkName name) {
  const FrameRecord* frame = reader->table().frame_of(name.local_id);
  if (frame == nullptr) return no_such_chunk(name);
  const File* file = &reader->file();
  return Place{*frame, reader->generation(), file, std::move(reader)};
}

}  // namespace stillframe::chunkstore

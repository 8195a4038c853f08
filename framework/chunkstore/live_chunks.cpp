#include "framework/chunkstore/live_chunks.hpp"

namespace stillframe::chunkstore {

void LiveChunks::mark(ChunkName name) {
  const auto found = containers_.find(name.container);
  if (found == containers_.end()) return;
  std::vector<bool>& live = found->second.live;
  if (live.size() <= name.local_id) live.resize(name.local_id + 1);
  live[name.local_id] = true;
}

bool LiveChunks::is_marked(ChunkName name) const {
  const auto found = containers_.find(name.container);
  return found != containers_.end() && is_live(found->second.live, name.local_id);
}

bool LiveChunks::use(ChunkName name) {
  const auto found = containers_.find(name.container);
  if (found == containers_.end()) return true;
  if (found->second.decided) return is_live(found->second.live, name.local_id);
  mark(name);
  return true;
}

const std::vector<bool>& LiveChunks::decide(std::uint32_t container) {
  Container& it = containers_.at(container);
  it.decided = true;
  return it.live;
}

}  // namespace stillframe::chunkstore

// Which chunks a collection has to keep.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "framework/chunkstore/names.hpp"

namespace stillframe::chunkstore {

// One bit for each chunk of the containers there were when the collection began; whatever else
// there is came later and is kept anyway. Not for two threads at once.
class LiveChunks {
 public:
  void add_container(std::uint32_t id) { containers_[id]; }
  bool has_container(std::uint32_t id) const { return containers_.count(id) > 0; }

  void mark(ChunkName name);
  bool is_marked(ChunkName name) const;
  // For whoever has found a chunk that is stored and would name it: marks it. False if it is about
  // to be dropped, and then may not be named.
  bool use(ChunkName name);

  // From here on nothing dead of the container may be used. By local id; what is behind the end is
  // dead.
  const std::vector<bool>& decide(std::uint32_t container);
  const std::vector<bool>& live(std::uint32_t container) const {
    return containers_.at(container).live;
  }

 private:
  struct Container {
    std::vector<bool> live;
    bool decided = false;
  };
  std::map<std::uint32_t, Container> containers_;
};

inline bool is_live(const std::vector<bool>& live, std::uint32_t local_id) {
  return local_id < live.size() && live[local_id];
}

}  // namespace stillframe::chunkstore

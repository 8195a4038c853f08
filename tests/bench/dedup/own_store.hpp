// The chunk store as an archiver: whole files in and out, with a list of names beside it.
#pragma once

#include <memory>
#include <string>

#include "framework/chunkstore/cut.hpp"
#include "tests/bench/dedup/peers.hpp"

namespace stillframe::dedup::bench {

// A store has one profile, so those of trees and of images are kept apart where they differ.
struct StoreProfiles {
  std::string name;
  chunkstore::ChunkProfile trees, images;
};

// `folder` exists and is empty.
std::unique_ptr<Archiver> make_own_store(const StoreProfiles& profiles, const std::string& folder);

// The files below `folder` relative to it, in order.
std::vector<std::string> files_below(const std::string& folder);

// Empty if both have the same files with the same bytes.
std::string difference_between(const std::string& one, const std::string& other);

}  // namespace stillframe::dedup::bench

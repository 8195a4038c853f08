// Containers are closed before a snapshot: one that is appended to has no table of its frames, so
// whoever restores single files would walk it, and is copied again by every increment.
#pragma once

#include <cstdint>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"

namespace stillframe::dedup {

// Smaller ones stay open: they are soon walked, and a backup an hour must not leave thousands.
constexpr std::uint64_t kSealBytesMin = std::uint64_t{8} << 20;

// Whether there was one that was large enough. Commits. `folder`: the store's.
Result<bool> seal_for_snapshot(chunkstore::Store& store, Files& files, const BytePath& folder);

}  // namespace stillframe::dedup

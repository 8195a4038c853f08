#include "writers/dedup/engine/store_sealing.hpp"

#include "framework/chunkstore/collection.hpp"
#include "framework/chunkstore/commit_record.hpp"

namespace stillframe::dedup {

Result<bool> seal_for_snapshot(chunkstore::Store& store, Files& files, const BytePath& folder) {
  if (Status s = store.commit(); !s.ok()) return s.error();
  const auto last = chunkstore::CommitFile::read_last(files, folder);
  if (!last.ok()) return last.error();
  if (last.value().data.valid_bytes < kSealBytesMin) return false;
  // A collection begins with that, and ends here before it has removed anything.
  const auto begun = store.begin_collection(true);
  if (begun.ok()) return true;
  if (begun.error().code() == Errc::wrong_state) return false;  // one is under way
  return begun.error();
}

}  // namespace stillframe::dedup

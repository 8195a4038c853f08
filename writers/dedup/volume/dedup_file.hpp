// One file of a deduplicated volume as those above see it: its bytes come from the store, from the
// file itself or from nowhere, and writing to it is like writing to any file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_reader.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup {

// What all files of a volume share.
struct VolumeParts {
  chunkstore::Store& store;
  FileTable& table;
  UuidBytes store_id{};
};

// There is one of these for a file, however often it is open, and one thread in it at a time.
//
// Changes are in force at once and survive a crash after sync(), as a whole or not at all up to
// then: never a mixture of old and new within what one of them covers, other than a file system
// would leave of a write.
class DedupFile {
 public:
  // Puts right what a crash left of a change of size. corrupt: its mark is damaged, is of a file
  // that the table does not have, or the file was made shorter below the view.
  static Result<std::unique_ptr<DedupFile>> open(VolumeParts volume,
                                                 std::unique_ptr<LowerFile> lower);

  bool deduplicated() const { return file_.has_value(); }
  const std::optional<FileId>& id() const { return file_; }
  std::uint64_t bytes() const { return bytes_; }
  // Goes up with every change through this object.
  std::uint64_t edits() const { return edits_; }
  // Where the bytes come from; all from the file itself when it is not deduplicated.
  const ExtentMap& map() const { return map_; }
  const LowerFile& lower() const { return *lower_; }

  Status read(std::uint64_t offset, MutableBytes into);  // truncated past the end
  Status write(std::uint64_t offset, Bytes from);        // beyond the end: with zeros between
  Status resize(std::uint64_t bytes);
  Status punch(std::uint64_t offset, std::uint64_t bytes);
  Status sync();
  // Whether nothing is left for sync() to tell the table.
  bool settled() const { return !uncommitted_; }

  // The file's whole content is this stream of the store's last commit. It is the caller's to know
  // that nothing was written since it was read. Durable on return; space is given back.
  Status take_stream(const chunkstore::StreamId& stream);
  // After take_stream(), once the clock has gone on from the ctime that it left the file with: what
  // the file's ctime was before is what users are shown, until somebody changes the file.
  Status keep_changed_time();
  // An ordinary file again, durably.
  Status restore();

 private:
  DedupFile(VolumeParts volume, std::unique_ptr<LowerFile> lower)
      : volume_(volume), lower_(std::move(lower)) {}

  Status adopt(const Stub& mark);
  Status read_from(const Extent& extent, MutableBytes into);
  Status fill(const Extent& extent);
  Status note(const Extent& extent);
  Status commit_changes();
  Status give_space_back();
  Status changed_time(std::int64_t& ns) const;

  VolumeParts volume_;
  std::unique_ptr<LowerFile> lower_;
  std::uint64_t bytes_ = 0, edits_ = 0;
  ExtentMap map_;
  std::optional<FileId> file_;
  std::optional<chunkstore::StreamReader> stream_;
  // Since the last commit: in order, as FileTable::change() takes them.
  std::vector<Extent> pending_;
  bool uncommitted_ = false;
};

}  // namespace stillframe::dedup

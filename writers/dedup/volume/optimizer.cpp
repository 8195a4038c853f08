#include "writers/dedup/volume/optimizer.hpp"

#include <algorithm>
#include <utility>

#include "framework/chunkstore/stream_writer.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kReadPieceBytes = std::size_t{1} << 20;

Status copy(DedupFile& file, chunkstore::StreamWriter& into) {
  std::vector<std::byte> piece;
  for (const Extent& extent : file.map().extents()) {
    if (extent.source == Source::zero) {
      if (Status s = into.write_zeros(extent.bytes); !s.ok()) return s;
      continue;
    }
    for (std::uint64_t done = 0; done < extent.bytes; done += piece.size()) {
      piece.resize(std::min<std::uint64_t>(kReadPieceBytes, extent.bytes - done));
      if (Status s = file.read(extent.offset + done, piece); !s.ok()) return s;
      if (Status s = into.write(piece); !s.ok()) return s;
    }
  }
  return Ok{};
}

}  // namespace

Status Optimizer::add(DedupFile& file) {
  const auto version = file.lower().version();
  if (!version.ok()) return version.error();
  Added added{&file, version.value(), file.edits(), {}, 0};
  chunkstore::StreamWriter writer = volume_.store.write_stream();
  if (Status s = copy(file, writer); !s.ok()) return s;
  const auto written = writer.finish();
  if (!written.ok()) return written.error();
  added.stream = written.value().id;
  added.new_bytes = written.value().new_bytes;
  added_.push_back(added);
  bytes_ += file.bytes();
  return Ok{};
}

Result<std::vector<OptimizedFile>> Optimizer::commit() {
  if (Status s = volume_.store.commit(); !s.ok()) return s.error();
  std::vector<OptimizedFile> done;
  for (const Added& added : std::exchange(added_, {})) {
    OptimizedFile& one = done.emplace_back();
    one.file = added.file;
    one.new_bytes = added.new_bytes;
    const auto now = added.file->lower().version();
    if (!now.ok()) {
      one.status = now.error();
    } else if (now.value() != added.version || added.file->edits() != added.edits) {
      one.status = Error(Errc::in_use, "the file was written to while it was optimized");
    } else {
      one.status = added.file->take_stream(added.stream);
    }
  }
  bytes_ = 0;
  return done;
}

}  // namespace stillframe::dedup

#include "writers/dedup/volume/optimizer.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>
#include <utility>

#include "framework/chunkstore/stream_writer.hpp"

namespace stillframe::dedup {

namespace {

// Through `room`, which stays as long as it once was: most files are shorter than a piece, and
// memory for each is memory to be cleared.
Result<chunkstore::WrittenStream> copy(DedupFile& file, chunkstore::StreamWriter& into,
                                       std::vector<std::byte>& room) {
  const std::vector<Extent> extents = file.map().extents();
  for (const Extent& extent : extents) {
    if (extent.source == Source::zero) {
      if (Status s = into.write_zeros(extent.bytes); !s.ok()) return s.error();
      continue;
    }
    for (std::uint64_t done = 0; done < extent.bytes;) {
      const auto bytes =
          std::min<std::uint64_t>(chunkstore::kStreamPieceBytes, extent.bytes - done);
      if (room.size() < bytes) room.resize(bytes);
      const MutableBytes piece = MutableBytes(room).first(bytes);
      if (Status s = file.read(extent.offset + done, piece); !s.ok()) return s.error();
      done += bytes;
      if (done == extent.bytes && &extent == &extents.back()) return into.finish(piece);
      if (Status s = into.write(piece); !s.ok()) return s.error();
    }
  }
  return into.finish();
}

// Whoever changes a file within the same tick of the file system's clock leaves it with the same
// ctime, and would not be seen to have done so. False if the clock does not get there: somebody set
// it back.
bool wait_for_tick_after(std::int64_t ns) {
  constexpr int kTries = 20;  // of a millisecond each; a tick is 10 at most
  for (int i = 0; i < kTries; ++i) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec > ns) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

Status Optimizer::add(DedupFile& file) {
  const auto version = file.lower().version();
  if (!version.ok()) return version.error();
  Added added{&file, version.value(), file.edits(), {}, 0};
  chunkstore::StreamWriter writer = volume_.store.write_stream();
  const auto written = copy(file, writer, room_);
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
  if (Status s = keep_changed_times(done); !s.ok()) return s.error();
  return done;
}

Status Optimizer::keep_changed_times(const std::vector<OptimizedFile>& done) {
  std::int64_t latest_ns = 0;
  for (const OptimizedFile& one : done) {
    if (!one.status.ok()) continue;
    const auto version = one.file->lower().version();
    if (!version.ok()) return version.error();
    latest_ns = std::max(latest_ns, version.value().changed_ns);
  }
  if (!wait_for_tick_after(latest_ns)) return Ok{};
  for (const OptimizedFile& one : done) {
    if (!one.status.ok()) continue;
    if (Status s = one.file->keep_changed_time(); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::dedup

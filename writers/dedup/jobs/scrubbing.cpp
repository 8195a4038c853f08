#include "writers/dedup/jobs/scrubbing.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "framework/chunkstore/store_reader.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

using chunkstore::LostRange;
using chunkstore::LostStream;
using chunkstore::StreamId;

// Of a stream, what its file still takes from it.
std::vector<LostRange> still_needed(const ExtentMap& map, const LostStream& lost) {
  std::vector<LostRange> ranges = lost.ranges;
  if (lost.wholly) ranges = {{0, map.file_bytes()}};
  std::vector<LostRange> needed;
  for (const LostRange& range : ranges) {
    if (range.offset >= map.file_bytes()) continue;
    const std::uint64_t bytes = std::min(range.bytes, map.file_bytes() - range.offset);
    for (const Extent& extent : map.extents(range.offset, bytes)) {
      if (extent.source == Source::store) needed.push_back({extent.offset, extent.bytes});
    }
  }
  return needed;
}

class ScrubbingRun {
 public:
  ScrubbingRun(const JobVolume& volume, chunkstore::ScrubDepth depth, JobControl& control,
               const TellScrubbing& tell)
      : volume_(volume), depth_(depth), control_(control), tell_(tell) {}

  Status run() {
    const auto lock = begin_job(volume_);
    if (!lock.ok()) return lock.error();
    report.began = true;
    std::vector<StreamId> streams;
    Result<std::unique_ptr<chunkstore::StoreReader>> reader;
    // Of one moment: every stream of the table was committed by then.
    volume_.files.exclusively([&] {
      for (const auto& [file, record] : volume_.parts.table.files()) {
        streams.push_back(record.stream);
      }
      reader = chunkstore::StoreReader::open(volume_.io, volume_.store);
    });
    if (!reader.ok()) return reader.error();
    report.files = streams.size();
    Status wish = Ok{};
    std::uint64_t moved = 0;
    const auto go_on = [&](const chunkstore::ScrubProgress& at) {
      control_.moved(at.done_bytes - std::exchange(moved, at.done_bytes));
      if (tell_) tell_(at);
      wish = control_.wait_to_go_on();
      return wish.ok();
    };
    auto found = chunkstore::scrub(*reader.value(), streams, depth_, go_on);
    if (!wish.ok()) return wish;
    if (!found.ok()) return found.error();
    report.store = std::move(found).value();
    if (report.store.lost.empty()) return Ok{};
    Status named = Ok{};
    volume_.files.exclusively([&] { named = name_files(); });
    return named;
  }

  ScrubbingReport report;

 private:
  // By what the table says now: a file that was deleted, restored or optimized again meanwhile has
  // lost nothing.
  Status name_files() {
    std::map<FileId, std::size_t> damaged;
    for (const auto& [file, record] : volume_.parts.table.files()) {
      const auto lost = std::find_if(
          report.store.lost.begin(), report.store.lost.end(),
          [&, stream = record.stream](const LostStream& each) { return each.id == stream; });
      if (lost == report.store.lost.end()) continue;
      std::vector<LostRange> ranges = still_needed(record.map, *lost);
      if (ranges.empty()) continue;
      damaged[file] = report.damaged.size();
      report.damaged.push_back({{}, file, std::move(ranges), lost->why});
    }
    return for_each_file(volume_.root, {}, [&](const FoundFile& found) -> Status {
      const auto mark = mark_of(volume_.root, found.path);
      if (!mark.ok()) {
        report.failures.add(found.path, mark.error());
        return Ok{};
      }
      if (!mark.value() || mark.value()->store != volume_.parts.store_id) return Ok{};
      const auto it = damaged.find(mark.value()->file);
      if (it == damaged.end()) return Ok{};
      DamagedFile& file = report.damaged[it->second];
      if (file.path.empty()) file.path = found.path;
      return Ok{};
    });
  }

  const JobVolume& volume_;
  const chunkstore::ScrubDepth depth_;
  JobControl& control_;
  const TellScrubbing& tell_;
};

}  // namespace

ScrubbingReport scrub_volume(const JobVolume& volume, chunkstore::ScrubDepth depth,
                             JobControl& control, const TellScrubbing& tell) {
  ScrubbingRun run(volume, depth, control, tell);
  run.report.ended = run.run();
  return std::move(run.report);
}

}  // namespace stillframe::dedup

#include "writers/dedup/jobs/scrubbing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "framework/chunkstore/store_reader.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

// What is kept twice at most, and written for that at a time: users wait for it.
constexpr std::size_t kHotChunksMax = 4096;
constexpr std::uint64_t kHotBytesAtOnce = std::uint64_t{64} << 20;

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
  ScrubbingRun(const JobVolume& volume, const ScrubbingOptions& options, JobControl& control)
      : volume_(volume), options_(options), control_(control) {}

  Status run() {
    const auto lock = begin_job(volume_);
    if (!lock.ok()) return lock.error();
    report.began = true;
    if (Status s = look(); !s.ok()) return s;
    report.found = report.store.damage;
    // What keeps it from being put right is told when it is told what is lost.
    const Status repaired = repair();
    if (report.repaired_containers > 0) {
      if (Status s = look(); !s.ok()) return s;
    }
    Status named = Ok{};
    if (!report.store.lost.empty()) volume_.files.exclusively([&] { named = name_files(); });
    if (!named.ok()) return named;
    return repaired.ok() ? keep_copies() : repaired;
  }

  ScrubbingReport report;

 private:
  Status look() {
    std::vector<StreamId> streams;
    Result<std::unique_ptr<chunkstore::StoreReader>> reader;
    // Of one moment: every stream of the table was committed by then.
    volume_.files.exclusively([&] {
      for (const auto& [file, record] : volume_.parts.table.files()) {
        streams.push_back(record.stream);
      }
      reader = chunkstore::StoreReader::open(
          volume_.io, volume_.store, chunkstore::kReaderFooterBytes, volume_.parts.store.cipher());
    });
    if (!reader.ok()) return reader.error();
    report.files = streams.size();
    Status wish = Ok{};
    std::uint64_t moved = 0;
    const auto go_on = [&](const chunkstore::ScrubProgress& at) {
      control_.moved(at.done_bytes - std::exchange(moved, at.done_bytes));
      if (options_.tell) options_.tell(at);
      wish = control_.wait_to_go_on();
      return wish.ok();
    };
    auto found =
        chunkstore::scrub(*reader.value(), streams, options_.depth, go_on, options_.references_min);
    if (!wish.ok()) return wish;
    if (!found.ok()) return found.error();
    report.store = std::move(found).value();
    return Ok{};
  }

  // Container by container. One of which something has no copy stays as it is.
  Status repair() {
    std::set<std::uint32_t> damaged;
    for (const chunkstore::Damage& each : report.found) damaged.insert(each.container);
    for (const std::uint32_t container : damaged) {
      if (Status s = control_.wait_to_go_on(); !s.ok()) return s;
      Result<std::uint64_t> repaired = std::uint64_t{0};
      volume_.files.exclusively([&] { repaired = volume_.parts.store.repair(container); });
      if (!repaired.ok() && !chunkstore::is_damage(repaired.error())) {
        return repaired.error().while_doing("repair container " + std::to_string(container));
      }
      if (!repaired.ok() || repaired.value() == 0) continue;
      report.repaired_chunks += repaired.value();
      ++report.repaired_containers;
    }
    return Ok{};
  }

  Status keep_copies() {
    if (options_.references_min == 0) return Ok{};
    std::vector<chunkstore::HotChunk>& hot = report.store.hot;
    if (hot.size() > kHotChunksMax) hot.resize(kHotChunksMax);
    std::vector<chunkstore::ChunkName> chunks;
    for (const chunkstore::HotChunk& each : hot) chunks.push_back(each.name);
    if (!hot.empty()) report.median_references = hot[hot.size() / 2].references;
    if (Status s = control_.wait_to_go_on(); !s.ok()) return s;
    // The next scrub has the rest. A store that runs out of space takes no more: copies are not
    // worth that.
    std::uint64_t left = kHotBytesAtOnce;
    const auto may_write = [&](std::uint64_t bytes) {
      if (bytes > left || !expect_free_space(volume_.root, left).ok()) return false;
      left -= bytes;
      return true;
    };
    Result<chunkstore::HotspotCopies> copies = chunkstore::HotspotCopies{};
    volume_.files.exclusively([&] { copies = volume_.parts.store.keep_copies(chunks, may_write); });
    if (!copies.ok()) return copies.error().while_doing("keep copies of what many files name");
    report.copies = copies.value();
    return Ok{};
  }

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
  const ScrubbingOptions& options_;
  JobControl& control_;
};

}  // namespace

ScrubbingReport scrub_volume(const JobVolume& volume, const ScrubbingOptions& options,
                             JobControl& control) {
  ScrubbingRun run(volume, options, control);
  run.report.ended = run.run();
  return std::move(run.report);
}

}  // namespace stillframe::dedup

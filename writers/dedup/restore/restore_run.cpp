#include "writers/dedup/restore/restore_run.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "framework/chunkstore/stream_map.hpp"
#include "writers/dedup/restore/codes.hpp"

namespace stillframe::dedup {

namespace {

using chunkstore::ContainerKind;

struct FileToRestore {
  std::string path;
  TargetVolume::Look seen;
  const FileRecord* record = nullptr;
  std::uint64_t to_come = 0;  // wanted chunks, of maps and of data
  bool is_asked_for = false;  // of which at least the first is counted
  std::optional<HRESULT> result;
  std::unique_ptr<TargetFile> open;
};

class RestoreRun final : private ChunkSink {
 public:
  RestoreRun(TargetVolume& target, const std::vector<std::string>& paths,
             IDedupReadFileCallback& callback, const RestoreLimits& limits,
             const std::optional<chunkstore::Key256>& key)
      : target_(target),
        paths_(paths),
        backup_(callback),
        containers_(backup_, key),
        limits_(limits) {}

  HRESULT run(std::vector<HRESULT>& results) {
    look_at_files();
    if (is_work_left()) read_records();
    if (is_work_left()) read_maps();
    if (is_work_left()) {
      of_maps_ = false;
      containers_.read(std::exchange(data_, {}), ContainerKind::data, true, *this);
    }
    for (FileToRestore& file : files_) {
      if (!file.result) file.result = backup_.ended().value_or(DDP_E_UNEXPECTED);
    }
    results.clear();
    for (const std::size_t index : file_of_path_) results.push_back(*files_[index].result);
    return overall(results);
  }

 private:
  // ---- which files

  void look_at_files() {
    const HRESULT usable = target_.usable();
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> known;
    for (const std::string& path : paths_) {
      file_of_path_.push_back(files_.size());
      FileToRestore& file = files_.emplace_back();
      file.path = path;
      if (FAILED(usable)) {
        file.result = usable;
      } else if (path.empty()) {
        file.result = DDP_E_NOT_FOUND;
      } else if (auto seen = target_.look(path); !seen.ok()) {
        file.result = seen.error().code() == Errc::future_version ? DDP_E_INVALID_DATA
                                                                  : code_of_target(seen.error());
      } else {
        file.seen = std::move(seen).value();
        if (!file.seen.mark) file.result = S_FALSE;
        // The same file by another name, or twice in the list: it is restored once.
        const auto [first, is_new] = known.emplace(file.seen.identity, files_.size() - 1);
        if (!is_new) {
          files_.pop_back();
          file_of_path_.back() = first->second;
        }
      }
    }
  }

  bool is_work_left() const {
    return !backup_.ended() && std::any_of(files_.begin(), files_.end(),
                                           [](const FileToRestore& file) { return !file.result; });
  }

  void each_open_file(const std::function<void(std::uint32_t, FileToRestore&)>& what) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (!files_[i].result) what(static_cast<std::uint32_t>(i), files_[i]);
    }
  }

  // ---- what the table and the maps say of them

  void read_records() {
    std::set<FileId> wanted;
    each_open_file(
        [&](std::uint32_t, FileToRestore& file) { wanted.insert(file.seen.mark->file); });
    const HRESULT table = find_in_backup(backup_, wanted, records_);
    if (backup_.ended()) return;
    each_open_file([&](std::uint32_t index, FileToRestore& file) {
      if (FAILED(table)) return settle(file, table);
      const FileId& id = file.seen.mark->file;
      const auto found = records_.files.find(id);
      if (records_.damaged.count(id) > 0) return settle(file, DDP_E_FILE_CORRUPT);
      if (file.seen.mark->store != records_.store || found == records_.files.end()) {
        return settle(file, DDP_E_NOT_FOUND);
      }
      file.record = &found->second;
      // One that is longer was growing when it was copied; one that is shorter was cut by somebody.
      if (file.seen.bytes < file.record->map.file_bytes()) {
        return settle(file, DDP_E_INVALID_DATA);
      }
      finish_if_whole(index);
    });
  }

  void read_maps() {
    if (const HRESULT hr = containers_.open(); FAILED(hr)) {
      each_open_file([&](std::uint32_t, FileToRestore& file) { settle(file, hr); });
      return;
    }
    std::vector<WantedChunk> roots;
    each_open_file([&](std::uint32_t index, FileToRestore& file) {
      want(roots, {file.record->stream.map, index, 0, 0, 0});
    });
    containers_.read(std::move(roots), ContainerKind::stream_maps, true, *this);
    // Maps of parts of a stream. What they are in may be other containers than those of before.
    if (!parts_.empty() && is_work_left()) {
      containers_.read(std::exchange(parts_, {}), ContainerKind::stream_maps, false, *this);
    }
  }

  void want(std::vector<WantedChunk>& in, const WantedChunk& chunk) {
    FileToRestore& file = files_[chunk.file];
    if (wanted_chunks_ == limits_.chunks_max) return settle(file, DDP_E_UNEXPECTED);
    ++wanted_chunks_;
    ++file.to_come;
    file.is_asked_for = true;
    in.push_back(chunk);
  }

  // Whether the file takes anything of this range from the store.
  static bool needs(const FileToRestore& file, std::uint64_t offset, std::uint64_t bytes) {
    const ExtentMap& map = file.record->map;
    if (offset >= map.file_bytes()) return false;
    const auto parts = map.extents(offset, std::min(bytes, map.file_bytes() - offset));
    return std::any_of(parts.begin(), parts.end(),
                       [](const Extent& part) { return part.source == Source::store; });
  }

  void take_map(const WantedChunk& wanted, const chunkstore::StreamMap& map) {
    FileToRestore& file = files_[wanted.file];
    const bool is_root = wanted.bytes == 0;
    const bool fits = is_root ? map.bytes() >= stored_end(file) : map.bytes() == wanted.bytes;
    if (!fits || (!is_root && map.level != 0)) return settle(file, DDP_E_INVALID_DATA);
    // A file that asks for too much takes nothing from the others.
    if (map.extents.size() > limits_.chunks_max - wanted_chunks_) {
      return settle(file, DDP_E_UNEXPECTED);
    }
    std::uint64_t offset = wanted.offset;
    for (const chunkstore::Extent& part : map.extents) {
      if (file.result) return;
      if (!needs(file, offset, part.bytes)) {
      } else if (part.chunk.container != 0) {
        want(map.level == 0 ? data_ : parts_,
             {part.chunk, wanted.file, part.tag, part.bytes, offset});
      } else {
        put(wanted.file, offset, part.bytes, {});
      }
      offset += part.bytes;
    }
  }

  static std::uint64_t stored_end(const FileToRestore& file) {
    std::uint64_t end = 0;
    for (const Extent& part : file.record->map.extents()) {
      if (part.source == Source::store) end = part.offset + part.bytes;
    }
    return end;
  }

  // ---- chunks that came

  void take(std::span<const WantedChunk> wanted, const chunkstore::ChunkRecord& chunk,
            Bytes bytes) override {
    if (of_maps_) {
      const auto map = chunkstore::parse_stream_map(bytes);
      if (!map.ok()) return fail(wanted, DDP_E_INVALID_DATA);
      for (const WantedChunk& each : wanted) came(each, [&] { take_map(each, map.value()); });
      return;
    }
    for (const WantedChunk& each : wanted) {
      came(each, [&] {
        // A map and a container that do not belong together are found out here.
        if (each.bytes != chunk.bytes ||
            each.tag != chunkstore::fingerprint_tag(chunk.fingerprint)) {
          return settle(files_[each.file], DDP_E_FILE_CORRUPT);
        }
        put(each.file, each.offset, bytes.size(), bytes);
      });
    }
  }

  template <class What>
  void came(const WantedChunk& wanted, const What& what) {
    FileToRestore& file = files_[wanted.file];
    if (file.result) return;
    what();
    --file.to_come;
    finish_if_whole(wanted.file);
  }

  void fail(std::span<const WantedChunk> wanted, HRESULT why) override {
    for (const WantedChunk& each : wanted) settle(files_[each.file], why);
  }
  bool is_given_up(const WantedChunk& wanted) const override {
    return files_[wanted.file].result.has_value();
  }

  // ---- the files themselves

  // Without bytes: zeros.
  void put(std::uint32_t index, std::uint64_t offset, std::uint64_t bytes, Bytes from) {
    FileToRestore& file = files_[index];
    const ExtentMap& map = file.record->map;
    if (offset >= map.file_bytes()) return;
    for (const Extent& part : map.extents(offset, std::min(bytes, map.file_bytes() - offset))) {
      if (part.source != Source::store) continue;
      if (!opened(index)) return;
      const Status s =
          from.empty()
              ? file.open->zero(part.offset, part.bytes)
              : file.open->write(part.offset, from.subspan(part.offset - offset, part.bytes));
      if (!s.ok()) return settle(file, code_of_target(s.error()));
    }
  }

  bool opened(std::uint32_t index) {
    FileToRestore& file = files_[index];
    if (file.open) return true;
    if (in_turn_.size() >= limits_.open_files_max) {
      files_[in_turn_.front()].open.reset();
      in_turn_.pop_front();
    }
    auto open = target_.open(file.path, file.seen);
    if (!open.ok()) {
      settle(file, code_of_target(open.error()));
      return false;
    }
    file.open = std::move(open).value();
    in_turn_.push_back(index);
    return true;
  }

  void finish_if_whole(std::uint32_t index) {
    FileToRestore& file = files_[index];
    if (file.result || file.to_come > 0) return;
    const ExtentMap& map = file.record->map;
    if (map.bytes_from(Source::store) > 0 && !file.is_asked_for) return;
    if (!opened(index)) return;
    for (const Extent& part : map.extents()) {
      if (part.source != Source::zero) continue;
      if (const Status s = file.open->zero(part.offset, part.bytes); !s.ok()) {
        return settle(file, code_of_target(s.error()));
      }
    }
    const Status s = file.open->finish(map.file_bytes());
    settle(file, s.ok() ? S_OK : code_of_target(s.error()));
  }

  void settle(FileToRestore& file, HRESULT result) {
    if (file.result) return;
    file.result = result;
    file.open.reset();
  }

  HRESULT overall(const std::vector<HRESULT>& results) const {
    const auto failed =
        std::find_if(results.begin(), results.end(), [](HRESULT result) { return FAILED(result); });
    const bool any_restored = std::count(results.begin(), results.end(), S_OK) > 0;
    if (backup_.ended() && failed != results.end()) return *backup_.ended();
    if (failed != results.end()) {
      return any_restored ? DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS : *failed;
    }
    return any_restored ? S_OK : S_FALSE;
  }

  TargetVolume& target_;
  const std::vector<std::string>& paths_;
  BackupFiles backup_;
  BackupContainers containers_;
  const RestoreLimits limits_;
  std::vector<FileToRestore> files_;
  std::vector<std::size_t> file_of_path_;
  BackupRecords records_;
  bool of_maps_ = true;
  std::size_t wanted_chunks_ = 0;
  std::vector<WantedChunk> parts_, data_;
  std::list<std::uint32_t> in_turn_;  // files that are open, perhaps settled meanwhile
};

}  // namespace

HRESULT restore_files_from(TargetVolume& target, const std::vector<std::string>& paths,
                           IDedupReadFileCallback& callback, std::vector<HRESULT>& results,
                           const RestoreLimits& limits,
                           const std::optional<chunkstore::Key256>& key) {
  return RestoreRun(target, paths, callback, limits, key).run(results);
}

}  // namespace stillframe::dedup

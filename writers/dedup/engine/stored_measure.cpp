#include "writers/dedup/engine/stored_measure.hpp"

#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "framework/base/path.hpp"
#include "framework/chunkstore/store_reader.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

using chunkstore::StoreReader;

std::uint64_t key_of(const chunkstore::ChunkName& chunk) {
  return std::uint64_t{chunk.container} << 32 | chunk.local_id;
}

// Each chunk of data of a stream, in order.
Status each_chunk(StoreReader& store, const chunkstore::StreamId& stream,
                  const std::function<void(const chunkstore::Extent&)>& what) {
  const auto root = store.read_map(stream.map, 1);
  if (!root.ok()) return root.error();
  for (const chunkstore::Extent& extent : root.value().extents) {
    if (extent.chunk.container == 0) continue;
    if (root.value().level == 0) {
      what(extent);
      continue;
    }
    const auto part = store.read_map(extent.chunk, 0);
    if (!part.ok()) return part.error();
    for (const chunkstore::Extent& each : part.value().extents) {
      if (each.chunk.container != 0) what(each);
    }
  }
  return Ok{};
}

// A file of which a stream was collected meanwhile is gone, or has another.
bool is_gone(const Status& s) {
  return !s.ok() && s.error().code() == Errc::not_found;
}

}  // namespace

nlohmann::ordered_json StoredMeasure::to_json() const {
  return {{"files_count", files},
          {"optimized_files_count", optimized_files},
          {"size", bytes},
          {"size_on_disk", disk_bytes},
          {"dedup_size", chunk_bytes},
          {"dedup_chunk_references", chunk_references},
          {"dedup_chunk_count", chunks},
          {"dedup_distinct_size", own_chunk_bytes},
          {"dedup_distinct_chunk_count", own_chunks}};
}

StreamsOfFiles streams_of(const FileTable& table) {
  StreamsOfFiles streams;
  for (const auto& [file, record] : table.files()) {
    if (record.map.bytes_from(Source::store) > 0) streams.emplace(file, record.stream);
  }
  return streams;
}

Result<StoredMeasure> measure_stored(int root, const BytePath& path, const StreamsOfFiles& streams,
                                     Files& files, const BytePath& folder,
                                     const std::shared_ptr<const chunkstore::StoreCipher>& cipher) {
  StoredMeasure measure;
  std::set<FileId> chosen;
  const auto on_the_way = [&](const BytePath& at) {
    return path.empty() || is_within(at, path) || is_within(path, at);
  };
  const Status walked = for_each_file(root, on_the_way, [&](const FoundFile& file) -> Status {
    if (!path.empty() && !is_within(file.path, path)) return Ok{};
    ++measure.files;
    measure.bytes += static_cast<std::uint64_t>(file.status.st_size);
    measure.disk_bytes += static_cast<std::uint64_t>(file.status.st_blocks) * 512;
    const auto mark = mark_of(root, file.path);
    if (!mark.ok()) return mark.error().code() == Errc::not_found ? Status(Ok{}) : mark.error();
    if (!mark.value() || !streams.contains(mark.value()->file)) return Ok{};
    ++measure.optimized_files;
    chosen.insert(mark.value()->file);
    return Ok{};
  });
  if (!walked.ok()) return walked.error();
  if (measure.files == 0) {
    return Error(Errc::not_found, "the volume has no file at " + quoted_path("/" + path));
  }
  const auto store = StoreReader::open(files, folder, chunkstore::kReaderFooterBytes, cipher);
  if (!store.ok()) return store.error();
  std::unordered_map<std::uint64_t, std::uint64_t> own;  // bytes, by chunk
  for (const FileId& file : chosen) {
    const Status read =
        each_chunk(*store.value(), streams.at(file), [&](const chunkstore::Extent& extent) {
          ++measure.chunk_references;
          own.emplace(key_of(extent.chunk), extent.bytes);
        });
    if (!read.ok() && !is_gone(read)) return read.error();
  }
  measure.chunks = own.size();
  for (const auto& [chunk, bytes] : own) measure.chunk_bytes += bytes;
  for (const auto& [file, stream] : streams) {
    if (own.empty()) break;
    if (chosen.contains(file)) continue;
    const Status read = each_chunk(*store.value(), stream, [&](const chunkstore::Extent& extent) {
      own.erase(key_of(extent.chunk));
    });
    if (!read.ok() && !is_gone(read)) return read.error();
  }
  measure.own_chunks = own.size();
  for (const auto& [chunk, bytes] : own) measure.own_chunk_bytes += bytes;
  return measure;
}

}  // namespace stillframe::dedup

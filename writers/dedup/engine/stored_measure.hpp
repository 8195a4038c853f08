// What some files of a deduplicated volume take in its store, and what removing them would free.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

struct StoredMeasure {
  std::uint64_t files = 0, bytes = 0, disk_bytes = 0;  // of the files themselves
  std::uint64_t optimized_files = 0;
  // Chunks that they name, as often as they do; and each once, before compression.
  std::uint64_t chunk_references = 0, chunks = 0, chunk_bytes = 0;
  // Of these the ones that no other file names: a collection frees them once the files are gone.
  std::uint64_t own_chunks = 0, own_chunk_bytes = 0;

  nlohmann::ordered_json to_json() const;
};

// Streams of the volume's files, as its table has them.
using StreamsOfFiles = std::map<FileId, chunkstore::StreamId>;
StreamsOfFiles streams_of(const FileTable& table);

// Of the file or everything in the folder `path`, below `root`; "" is all. Reads the stream maps of
// all files of `streams`, beside whoever writes the store in `folder`. not_found when there is no
// file; what was removed meanwhile is not counted. `cipher`: of a store that is encrypted.
Result<StoredMeasure> measure_stored(int root, const BytePath& path, const StreamsOfFiles& streams,
                                     Files& files, const BytePath& folder,
                                     const std::shared_ptr<const chunkstore::StoreCipher>& cipher);

}  // namespace stillframe::dedup

// What there is to say of a volume, as JSON: the fields of Get-DedupVolume, Get-DedupStatus and
// Get-DedupMetadata.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "writers/dedup/engine/volume_on_device.hpp"

namespace stillframe::dedup {

// From the file table, while nobody changes it.
struct VolumeFacts {
  std::uint64_t files = 0, bytes = 0;  // of deduplicated files
  std::uint64_t local_bytes = 0;       // of these, what was written since
};
VolumeFacts count_files(const FileTable& table);

std::string time_text(std::int64_t ns);  // UTC, "" for 0
nlohmann::ordered_json record_json(const JobRecord& record);
nlohmann::ordered_json limits_json(const JobLimits& limits);

Result<nlohmann::ordered_json> status_json(const VolumeOnDevice& volume, const BytePath& place,
                                           const VolumeFacts& facts);
Result<nlohmann::ordered_json> metadata_json(VolumeOnDevice& volume,
                                             const chunkstore::StoreCounts& counts,
                                             chunkstore::ChunkProfile profile,
                                             const VolumeFacts& facts);

}  // namespace stillframe::dedup

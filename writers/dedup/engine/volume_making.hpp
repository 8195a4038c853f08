// Makes a volume's own folder what a deduplicated volume needs.
#pragma once

#include <optional>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/cut.hpp"
#include "framework/io/files.hpp"
#include "writers/dedup/engine/volume_settings.hpp"

namespace stillframe::dedup {

// `folder` is there, and nobody else has it. A crash leaves a volume that is enabled, with the
// settings of before or with these, or one that is not and that the next try finishes. Otherwise as
// VolumeOnDevice::enable().
Status make_volume(Files& files, const BytePath& folder, std::optional<VolumeSettings> wanted,
                   std::optional<chunkstore::ChunkProfile> profile);

Result<VolumeSettings> read_settings(Files& files, const BytePath& path);

}  // namespace stillframe::dedup

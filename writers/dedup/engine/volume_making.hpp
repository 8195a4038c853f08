// Makes a volume's own folder what a deduplicated volume needs.
#pragma once

#include <optional>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "framework/io/files.hpp"
#include "writers/dedup/engine/volume_settings.hpp"

namespace stillframe::dedup {

// `folder` is there, and nobody else has it. A crash leaves a volume that is enabled, with the
// settings of before or with these, or one that is not and that the next try finishes. Otherwise as
// VolumeOnDevice::enable().
Status make_volume(Files& files, const BytePath& folder, std::optional<VolumeSettings> wanted,
                   std::optional<chunkstore::ChunkProfile> profile);

// What opens the store of a volume with these settings: reads the key file of one that is
// encrypted.
Result<chunkstore::StoreOptions> options_for_store(const VolumeSettings& settings);

// Encrypts the key of the store anew, for another key file, whose path is in the settings then.
// After a crash the next try finishes it; between, neither key file may open the volume.
Status change_volume_key(Files& files, const BytePath& folder, const BytePath& key_file);

Result<VolumeSettings> read_settings(Files& files, const BytePath& path);

}  // namespace stillframe::dedup

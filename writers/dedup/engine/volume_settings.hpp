// What was said about a deduplicated volume when it was enabled, as a file of its own folder.
#pragma once

#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/cut.hpp"
#include "writers/dedup/jobs/job_throttle.hpp"
#include "writers/dedup/jobs/policy.hpp"

namespace stillframe::dedup {

struct VolumeSettings {
  UuidBytes store = generate_uuid();  // of the marks and the file table
  std::string usage = "default";      // the preset that the policy was taken from
  JobPolicy policy;
  JobLimits limits;   // of jobs that were started without others
  BytePath key_file;  // of an encrypted store, somewhere else; empty: it is not encrypted
};

// "default", "images" (of virtual machines) or "backup"; invalid_argument for another.
Result<JobPolicy> policy_for(const std::string& usage);

std::string format_settings(const VolumeSettings& settings);
// invalid_argument names the key that is wrong. Nothing that was not written is guessed.
Result<VolumeSettings> parse_settings(std::string_view text);

// For every text in the volume's files: as TOML has it, whatever bytes it is of.
std::string quoted_toml(std::string_view text);

}  // namespace stillframe::dedup

// Which hosts are in quarantine, kept across restarts of the daemon. One JSON object:
//
//   {"version": 1, "quarantined": [
//     {"name": "shop", "spec": "<sha-256>", "since": <ns>, "crashes": 5, "reason": "signal 11
//     ..."}]}
//
// `spec` is the digest of what the configuration said (kind, file, user, config): a quarantine is
// about that, and one that was changed since is tried afresh. The file is replaced as a whole, so a
// torn one was not written by us.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

#include "framework/daemon/hosts/host_spec.hpp"

namespace stillframe::daemon {

struct QuarantineEntry {
  std::string name;
  std::string spec;  // spec_digest()
  WallTime since;
  std::uint32_t crashes = 0;
  std::string reason;
  friend bool operator==(const QuarantineEntry&, const QuarantineEntry&) = default;
};

std::string spec_digest(const HostSpec& spec);

std::string quarantine_text(const std::vector<QuarantineEntry>& entries);
// corrupt, truncated, limit_reached, or future_version.
Result<std::vector<QuarantineEntry>> parse_quarantine(std::string_view text);

// Nobody when there is no file.
Result<std::vector<QuarantineEntry>> read_quarantine(const BytePath& path);
Status write_quarantine(const BytePath& path, const std::vector<QuarantineEntry>& entries);

}  // namespace stillframe::daemon

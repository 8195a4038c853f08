// Evidence as text: what each component deserves to be called and why, and a picture of the hold.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe::cli {

std::vector<std::string> consistency_lines(const Evidence& evidence);

// One line a phase, drawn to scale over the session; then the hold alone, with each cut and each
// writer's own statement.
std::vector<std::string> timeline_lines(const Evidence& evidence);

// The longest time from the beginning of the first hold to the end of the last.
Duration hold_length(const Evidence& evidence);

// What a command run under a set finds in its environment: STILLFRAME_SET, STILLFRAME_SNAPSHOTS
// (how many) and STILLFRAME_SNAPSHOT_1_ID, _ROOT, _VOLUME and so on.
std::vector<std::pair<std::string, std::string>> snapshot_environment(const SnapshotSetResult& set);

}  // namespace stillframe::cli

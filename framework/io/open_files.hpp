// Who keeps files open: for messages that say what stands in the way.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace stillframe {

using FileIdentity = std::pair<dev_t, ino_t>;

// The ids of all processes there are, as they stand in /proc.
std::vector<std::string> process_ids();
// "process 123 (postgres)"
std::string describe_process(const std::string& pid);

// The processes, of those we may look at, that have an open file, a map, or a working or root
// directory for which `holds` (given a path below /proc that leads to it) is true: "process 123
// (postgres), process 7 (bash)". Empty when there are none. At most `names_max` are named.
std::string processes_that_hold(const std::function<bool(const std::string& link)>& holds,
                                std::size_t names_max = 8);

// The same for a set of files.
std::string holders_of_files(const std::set<FileIdentity>& files);

}  // namespace stillframe

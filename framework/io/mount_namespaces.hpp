// Other mount namespaces. A process that makes one takes a copy of every mount along, and a copy
// keeps its file system in use long after it was unmounted here.
#pragma once

#include <functional>
#include <string>

#include "framework/io/mountinfo.hpp"

namespace stillframe {

// The other mount namespaces that have a mount for which `wanted` is true, each by one of its
// processes: "process 123 (restic) in another mount namespace". Empty when there are none, or none
// whose processes we may look at.
std::string mount_namespaces_with(const std::function<bool(const MountEntry&)>& wanted);

}  // namespace stillframe

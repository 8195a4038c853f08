#include "framework/io/mount_namespaces.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "framework/io/file.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

using NamespaceIdentity = std::pair<dev_t, ino_t>;

bool identify(const BytePath& process, NamespaceIdentity& identity) {
  struct stat about {};
  if (::stat((process + "/ns/mnt").c_str(), &about) != 0) return false;
  identity = {about.st_dev, about.st_ino};
  return true;
}

}  // namespace

std::string mount_namespaces_with(const std::function<bool(const MountEntry&)>& wanted) {
  std::set<NamespaceIdentity> seen;
  NamespaceIdentity identity;
  if (identify("/proc/self", identity)) seen.insert(identity);
  std::string text;
  for (const std::string& pid : process_ids()) {
    const BytePath process = "/proc/" + pid;
    if (!identify(process, identity) || !seen.insert(identity).second) continue;
    auto mounts = read_mountinfo(process + "/mountinfo");
    if (!mounts.ok()) {
      seen.erase(identity);  // it has ended; another may still be in there
      continue;
    }
    if (std::none_of(mounts.value().begin(), mounts.value().end(), wanted)) continue;
    text += (text.empty() ? "" : ", ") + describe_process(pid) + " in another mount namespace";
  }
  return text;
}

}  // namespace stillframe

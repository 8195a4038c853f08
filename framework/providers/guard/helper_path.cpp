#include "framework/providers/guard/helper_path.hpp"

#include <cstdlib>
#include <vector>

#include <unistd.h>

namespace stillframe {

Result<BytePath> find_helper(std::string_view name, const BytePath& helper_dir) {
  std::vector<BytePath> places;
  if (!helper_dir.empty()) {
    places.push_back(helper_dir);
  } else {
    if (const char* set = ::secure_getenv("STILLFRAME_LIBEXEC"); set != nullptr && *set == '/') {
      places.push_back(set);
    }
    char self[4096];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    if (length > 0) {
      const BytePath path(self, static_cast<std::size_t>(length));
      places.push_back(path.substr(0, path.rfind('/')));
    }
    places.push_back(STILLFRAME_LIBEXEC_DIR);
  }
  std::string tried;
  for (const BytePath& place : places) {
    BytePath path = place + "/" + std::string(name);
    if (::access(path.c_str(), X_OK) == 0) return path;
    tried += (tried.empty() ? "" : ", ") + escape_path(place);
  }
  return Error(Errc::not_found, "the program '" + std::string(name) + "' is in none of: " + tried +
                                    "; set STILLFRAME_LIBEXEC to the folder that has it");
}

}  // namespace stillframe

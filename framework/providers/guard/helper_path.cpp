#include "framework/providers/guard/helper_path.hpp"

#include <cstdlib>
#include <vector>

#include <dlfcn.h>
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
    // As installed, wherever that is: from a program in bin/ and from the library itself.
    if (length > 0) places.push_back(places.back() + "/../libexec/stillframe");
    if (Dl_info here{}; ::dladdr(reinterpret_cast<void*>(&find_helper), &here) != 0) {
      const BytePath library = here.dli_fname;
      if (library.front() == '/') {
        places.push_back(library.substr(0, library.rfind('/') + 1) + STILLFRAME_HELPERS_FROM_LIB);
      }
    }
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

#include "framework/base/path.hpp"
#include "requestor/store/manifest.hpp"

namespace stillframe::requestor {

bool is_stored_path(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/' || path.size() > kBytePathBytesMax) return false;
  if (path.find('\0') != std::string_view::npos) return false;
  if (path == "/") return true;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace stillframe::requestor

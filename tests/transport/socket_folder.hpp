// A folder for a test's sockets, removed at its end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace stillframe::tests {

class SocketFolder {
 public:
  SocketFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sf-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~SocketFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace stillframe::tests

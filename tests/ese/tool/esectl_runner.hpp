// Runs esectl within the test and keeps what it says.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "writers/ese/tool/run_esectl.hpp"

namespace stillframe::ese::tool {

struct Answer {
  Exit code = Exit::internal;
  std::string out, err;

  nlohmann::json json() const { return nlohmann::json::parse(out); }
  // Of a verb that answers in lines.
  std::vector<nlohmann::json> json_lines() const;
};

Answer esectl(std::vector<std::string> words);

// A folder of the test's own, gone with it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& file) const { return path_ + "/" + file; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::vector<std::byte>& bytes);

}  // namespace stillframe::ese::tool

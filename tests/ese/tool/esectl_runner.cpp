#include "tests/ese/tool/esectl_runner.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "writers/ese/tool/run_esectl.hpp"

namespace stillframe::ese::tool {

namespace {

std::string all_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

}  // namespace

std::vector<nlohmann::json> Answer::json_lines() const {
  std::vector<nlohmann::json> lines;
  std::istringstream text(out);
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

Answer esectl(std::vector<std::string> words) {
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  Answer answer;
  answer.code = run_esectl(std::move(words), out, err, false);
  answer.out = all_of(out);
  answer.err = all_of(err);
  return answer;
}

TestFolder::TestFolder() {
  path_ = testing::TempDir() + "esectl.XXXXXX";
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TestFolder::~TestFolder() {
  std::filesystem::remove_all(path_);
}

void write_file(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

}  // namespace stillframe::ese::tool

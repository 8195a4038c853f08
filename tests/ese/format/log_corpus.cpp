#include "tests/ese/format/log_corpus.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include <stdlib.h>

namespace stillframe::ese::tests {

namespace {

namespace fs = std::filesystem;

constexpr const char* kArchive = "ese-windows.tar.zst";

// The archive, unpacked for as long as this program runs.
class Unpacked {
 public:
  explicit Unpacked(const fs::path& archive) {
    std::string pattern = fs::temp_directory_path() / "corpus-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return;
    made_ = pattern;
    const std::string command =
        "zstd -d --long=27 -q -c '" + archive.string() + "' | tar x -C '" + pattern + "'";
    if (std::system(command.c_str()) == 0) folder_ = pattern;
  }
  ~Unpacked() {
    std::error_code ignored;  // a leftover temporary folder fails no test
    if (!made_.empty()) fs::remove_all(made_, ignored);
  }
  const std::optional<std::string>& folder() const { return folder_; }

 private:
  std::string made_;
  std::optional<std::string> folder_;
};

std::optional<fs::path> find_archive() {
  std::vector<fs::path> places;
  if (const char* set = std::getenv("STILLFRAME_CORPUS")) places.emplace_back(set);
  if (const char* source = std::getenv("STILLFRAME_SOURCE")) {
    places.push_back(fs::path(source) / "../shared/corpus");
  }
  for (const fs::path& place : places) {
    if (fs::is_regular_file(place / kArchive)) return place / kArchive;
    if (fs::is_regular_file(place)) return place;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> corpus_folder() {
  static const std::optional<std::string> given = []() -> std::optional<std::string> {
    const char* set = std::getenv("STILLFRAME_CORPUS");
    if (set == nullptr || !fs::is_directory(set) || fs::exists(fs::path(set) / kArchive)) {
      return std::nullopt;
    }
    return std::string(set);  // somebody has unpacked it already
  }();
  if (given) return given;
  static const std::optional<fs::path> archive = find_archive();
  if (!archive) return std::nullopt;
  static const Unpacked unpacked(*archive);
  return unpacked.folder();
}

std::vector<CorpusFile> corpus_files(const std::vector<std::string>& endings) {
  std::vector<CorpusFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(*corpus_folder())) {
    const std::string ending = entry.path().extension();
    if (!entry.is_regular_file() ||
        std::find(endings.begin(), endings.end(), ending) == endings.end()) {
      continue;
    }
    const fs::path parent = entry.path().parent_path();
    files.push_back({parent.filename(), entry.path().filename(), entry.path()});
  }
  std::sort(files.begin(), files.end(), [](const CorpusFile& a, const CorpusFile& b) {
    return std::tie(a.set, a.name) < std::tie(b.set, b.name);
  });
  return files;
}

std::vector<std::byte> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> chars((std::istreambuf_iterator<char>(in)), {});
  const auto* begin = reinterpret_cast<const std::byte*>(chars.data());
  return {begin, begin + chars.size()};
}

}  // namespace stillframe::ese::tests

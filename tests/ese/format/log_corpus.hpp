// Logs and checkpoints that Windows wrote, from the corpus that is kept beside the checkout and is
// never committed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace stillframe::ese::tests {

struct CorpusFile {
  std::string set;   // "B03"
  std::string name;  // "edb.log"
  std::string path;
};

// The unpacked corpus: STILLFRAME_CORPUS, or ../shared/corpus beside the checkout, unpacked into a
// temporary folder on first use and removed when the program ends. None when it is absent; tests
// then skip and say so.
std::optional<std::string> corpus_folder();

// Every file of the corpus whose name ends so, in order of set and name.
std::vector<CorpusFile> corpus_files(const std::vector<std::string>& endings);

std::vector<std::byte> read_bytes(const std::string& path);

}  // namespace stillframe::ese::tests

// First statement of a test that needs the corpus.
#define STILLFRAME_NEED_CORPUS()                                                             \
  if (!::stillframe::ese::tests::corpus_folder()) {                                          \
    GTEST_SKIP() << "the corpus of Windows files is absent: neither STILLFRAME_CORPUS nor "  \
                    "../shared/corpus/ese-windows.tar.zst is there, so nothing of Windows' " \
                    "own was read";                                                          \
  }

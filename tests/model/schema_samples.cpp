// Feeds tests/model/check_schemas.py: prints documents of a kind, one a line, or says of each line
// it reads whether the typed reader takes it.
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "tests/model/sample_documents.hpp"

namespace stillframe::tests {
namespace {

// The full document first, then an empty one, then random ones.
template <class T>
void write(const T& full, T (*make)(std::mt19937&), int count) {
  std::cout << to_json(full) << "\n";
  std::mt19937 random(20260101);  // the same documents in every run
  for (int i = 1; i < count; ++i) std::cout << to_json(make(random)) << "\n";
}

template <class T>
void judge(Result<T> (*parse)(std::string_view)) {
  for (std::string line; std::getline(std::cin, line);) {
    const auto document = parse(line);
    std::cout << (document.ok() ? "ok" : "refused " + escape_path(document.error().what())) << "\n";
  }
}

int run(const std::string& mode, const std::string& kind, int count) {
  const bool writing = mode == "write";
  if (!writing && mode != "judge") return 2;
  if (kind == "writer-metadata") {
    writing ? write(full_writer_metadata(), random_writer_metadata, count)
            : judge(parse_writer_metadata);
  } else if (kind == "backup-document") {
    writing ? write(full_backup_document(), random_backup_document, count)
            : judge(parse_backup_document);
  } else if (kind == "evidence") {
    writing ? write(full_evidence(), random_evidence, count) : judge(parse_evidence);
  } else if (kind == "receipt") {
    writing ? write(full_receipt(), random_receipt, count) : judge(parse_receipt);
  } else if (kind == "restore-report") {
    writing ? write(full_restore_report(), random_restore_report, count)
            : judge(parse_restore_report);
  } else {
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace stillframe::tests

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  if (argc < 3) return 2;
  return stillframe::tests::run(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 1);
}

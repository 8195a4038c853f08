// Writes a database for readers that share no code with the engine, and what they have to find:
//
//   ese-write-database FOLDER PAGE_BYTES ROWS SEED
#include <charconv>
#include <cstdio>
#include <string_view>

#include "tests/interop/database_writer.hpp"

namespace {

using namespace stillframe::ese::tests;

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  WriterOptions options;
  if (argc != 5 || !read_number(argv[2], options.page_bytes) ||
      !read_number(argv[3], options.rows) || !read_number(argv[4], options.seed)) {
    std::fprintf(stderr, "usage: %s FOLDER PAGE_BYTES ROWS SEED\n", argv[0]);
    return 2;
  }
  options.folder = argv[1];
  DatabaseWriter writer(options);
  stillframe::Status done = writer.write();
  if (done.ok()) done = writer.write_expected();
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", done.error().what().c_str());
  return 1;
}

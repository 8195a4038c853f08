// Writes the manual pages into a folder: run by the build.
#include <cstdio>

#include "writers/ese/tool/run_esectl.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: esectl-man FOLDER\n", stderr);
    return 2;
  }
  const auto written =
      stillframe::write_manual_pages(stillframe::ese::tool::esectl_help(), arguments[1]);
  if (written.ok()) return 0;
  std::fprintf(stderr, "%s\n", written.error().what().c_str());
  return 1;
}

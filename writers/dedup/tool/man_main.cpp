// Writes the manual pages into a folder: run by the build.
#include "writers/dedup/tool/run_dedupctl.hpp"

int main(int count, char** words) {
  return stillframe::tool::manual_main(stillframe::dedup::tool::dedupctl(), count, words);
}

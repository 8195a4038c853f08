// Writes the manual pages into a folder: run by the build.
#include "writers/ese/tool/run_esectl.hpp"

int main(int count, char** words) {
  return stillframe::tool::manual_main(stillframe::ese::tool::esectl(), count, words);
}

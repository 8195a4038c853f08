// dedupctl: for whoever looks after deduplicated volumes.
#include "writers/dedup/tool/run_dedupctl.hpp"

int main(int count, char** words) {
  return stillframe::tool::tool_main(stillframe::dedup::tool::dedupctl(), count, words);
}

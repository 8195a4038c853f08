// esectl: for whoever has ESE files on a machine without Windows.
#include "writers/ese/tool/run_esectl.hpp"

int main(int count, char** words) {
  return stillframe::tool::tool_main(stillframe::ese::tool::esectl(), count, words);
}

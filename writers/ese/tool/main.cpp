// esectl: for whoever has ESE files on a machine without Windows.
#include <csignal>

#include <unistd.h>

#include "writers/ese/tool/run_esectl.hpp"

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto code = stillframe::ese::tool::run_esectl({words + 1, words + count}, stdout, stderr,
                                                      isatty(STDERR_FILENO) == 1);
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return static_cast<int>(written ? code : stillframe::ese::tool::Exit::io);
}

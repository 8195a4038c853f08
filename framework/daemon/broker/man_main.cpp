// Writes the manual page into a folder: run by the build.
#include <cstdio>

#include "framework/daemon/broker/broker_options.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: stillframe_broker_man FOLDER\n", stderr);
    return 2;
  }
  const auto written =
      stillframe::write_manual_pages(stillframe::daemon::broker_help(), arguments[1]);
  if (written.ok()) return 0;
  std::fprintf(stderr, "%s\n", written.error().what().c_str());
  return 1;
}

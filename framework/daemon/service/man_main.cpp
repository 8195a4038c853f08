// Writes the manual pages of the service's programs into a folder: run by the build.
#include <cstdio>

#include "framework/daemon/hosts/plugin_host.hpp"
#include "framework/daemon/service/command_line.hpp"
#include "framework/providers/guard/guard_help.hpp"

int main(int count, char** arguments) {
  using namespace stillframe;
  if (count != 2) {
    std::fputs("usage: stillframe_service_man FOLDER\n", stderr);
    return 2;
  }
  for (const CommandHelp& help :
       {daemon::daemon_help(), daemon::plugin_host_help(), guard::guard_help()}) {
    const auto written = write_manual_pages(help, arguments[1]);
    if (written.ok()) continue;
    std::fprintf(stderr, "%s\n", written.error().what().c_str());
    return 1;
  }
  return 0;
}

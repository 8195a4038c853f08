// ticking_app NAME FOLDER TRUTH SOCKET_DIR: runs until SIGTERM.
#include <csignal>
#include <cstdio>

#include <stillframe/writer_host.hpp>

#include "tests/integration/support/stage_line.hpp"
#include "tests/integration/support/ticking_app.hpp"

int main(int argc, char** argv) {
  using namespace stillframe;
  if (argc != 5) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const tests::StageLine stage(argv[1]);
  tests::TickingApp app(
      {argv[1], argv[2], argv[3], [&stage](const std::string& step) { stage.tell(step); }});
  WriterHostOptions options;
  options.socket_dir = argv[4];
  auto host = WriterHost::start(app, options);
  if (!host.ok()) {
    std::fprintf(stderr, "%s\n", host.error().what().c_str());
    return 1;
  }
  if (host.value()->wait_registered(std::chrono::seconds(30)).ok()) stage.tell("registered");
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) continue;
  host.value().reset();
  return 0;
}

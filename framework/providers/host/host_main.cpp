// stillframe-provider-host NAME [--OPTION VALUE]...: runs one provider and answers its calls, a
// JSON line each, on standard input and output. Started by Stillframe itself.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "framework/providers/host/make_provider.hpp"
#include "framework/providers/host/restricted_provider.hpp"
#include "framework/providers/host/serve_loop.hpp"

namespace {

using namespace stillframe;

struct Arguments {
  ProviderEnvironment environment;
  std::vector<BytePath> expose_below;  // if any: the caller is not trusted
};

bool parse(int argc, char** argv, Arguments& arguments) {
  ProviderEnvironment& environment = arguments.environment;
  if (argc % 2 != 0) return false;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--state-dir") {
      environment.state_directory = value;
    } else if (name == "--runtime-dir") {
      environment.runtime_directory = value;
    } else if (name == "--host") {
      environment.host = value;
    } else if (name == "--helper-dir") {
      ::setenv("STILLFRAME_LIBEXEC", value.c_str(), 1);
    } else if (name == "--copy-bytes-max") {
      environment.copy_bytes_max = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--files-max") {
      environment.files_max = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--commit-max-ms") {
      environment.commit_max = std::chrono::milliseconds(std::strtoll(value.c_str(), nullptr, 10));
    } else if (name == "--lease-ms") {
      environment.lease = std::chrono::milliseconds(std::strtoll(value.c_str(), nullptr, 10));
    } else if (name == "--expose-below") {
      arguments.expose_below.push_back(value);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (argc < 2 || argv[1][0] == '-' || !parse(argc, argv, arguments)) {
    std::fprintf(
        stderr,
        "usage: stillframe-provider-host NAME [--state-dir DIR] [--runtime-dir DIR]\n"
        "                                     [--expose-below DIR]...\n"
        "Runs one snapshot provider. Started by Stillframe itself. --expose-below is for a\n"
        "caller that is not trusted: snapshots are shown below DIR only, and volumes are\n"
        "what this machine says they are.\n");
    return 2;
  }
  // Replies have a descriptor of their own: what a library prints must not become one.
  const int replies = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (replies < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  auto provider = make_provider(argv[1], arguments.environment);
  if (!provider.ok()) {
    std::fprintf(stderr, "stillframe-provider-host: %s\n", provider.error().what().c_str());
    return 1;
  }
  std::unique_ptr<Provider> served = std::move(provider).value();
  if (!arguments.expose_below.empty()) {
    served = restrict_provider(std::move(served),
                               {arguments.expose_below, arguments.environment.copy_bytes_max});
  }
  return serve_provider(*served, STDIN_FILENO, replies);
}

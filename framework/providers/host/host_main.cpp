// stillframe-provider-host NAME [--OPTION VALUE]...: runs one provider and answers its calls, a
// JSON line each, on standard input and output. Started by Stillframe itself.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "framework/providers/host/make_provider.hpp"
#include "framework/providers/host/serve_loop.hpp"

namespace {

using namespace stillframe;

bool parse(int argc, char** argv, ProviderEnvironment& environment) {
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
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  ProviderEnvironment environment;
  if (argc < 2 || argv[1][0] == '-' || !parse(argc, argv, environment)) {
    std::fprintf(stderr,
                 "usage: stillframe-provider-host NAME [--state-dir DIR] [--runtime-dir DIR]\n"
                 "Runs one snapshot provider. Started by Stillframe itself.\n");
    return 2;
  }
  // Replies have a descriptor of their own: what a library prints must not become one.
  const int replies = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (replies < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  auto provider = make_provider(argv[1], environment);
  if (!provider.ok()) {
    std::fprintf(stderr, "stillframe-provider-host: %s\n", provider.error().what().c_str());
    return 1;
  }
  return serve_provider(*provider.value(), STDIN_FILENO, replies);
}

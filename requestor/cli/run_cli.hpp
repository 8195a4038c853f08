// The program behind main(): everything but where a coordinator comes from.
#pragma once

#include <cstdio>
#include <stop_token>
#include <string>
#include <vector>

#include "requestor/cli/context.hpp"

namespace stillframe::cli {

struct Streams {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  bool interactive = false;  // a progress line may be drawn on `err`
};

// The exit code.
int run_cli(const std::vector<std::string>& arguments, const Connector& connect,
            const Streams& streams, std::stop_token stop);

// A configuration file fills in what the command line left open.
Status apply_config(GlobalOptions& options);

}  // namespace stillframe::cli

// The command line's program inside a test: words in, exit code and both outputs back.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "requestor/cli/run_cli.hpp"

namespace stillframe::cli::tests {

using Words = std::vector<std::string>;

struct Ran {
  int code = 0;
  std::string out, err;
};

inline Ran run(const Words& words, const Connector& connect) {
  char *out_text = nullptr, *err_text = nullptr;
  std::size_t out_size = 0, err_size = 0;
  Streams streams;
  streams.out = open_memstream(&out_text, &out_size);
  streams.err = open_memstream(&err_text, &err_size);
  Ran ran;
  ran.code = run_cli(words, connect, streams, {});
  std::fclose(streams.out);
  std::fclose(streams.err);
  ran.out.assign(out_text, out_size);
  ran.err.assign(err_text, err_size);
  std::free(out_text);
  std::free(err_text);
  return ran;
}

}  // namespace stillframe::cli::tests

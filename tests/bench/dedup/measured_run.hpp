// Work in a process of its own, and what it cost: the same figures for our code and for programs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace stillframe::dedup::bench {

struct Cost {
  bool good = false;            // it ended with 0
  double user = 0, system = 0;  // seconds of processor, with all children that it waited for
  double peak_bytes = 0;        // resident, of the largest process
  std::string said;             // the end of its output; of our own work: the error
  double processor() const { return user + system; }
};

// In a copy of this process, which must have no other threads. An empty answer is success, and
// anything else says what went wrong.
Cost measure_work(const std::function<std::string()>& work);

struct Program {
  std::vector<std::string> arguments;
  std::string folder = ".";                                      // where it runs
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's own
};
Cost measure_program(const Program& program);

// Whether a program of this name can be started.
bool is_installed(const std::string& name);

}  // namespace stillframe::dedup::bench

// A program spoken to line by line over its standard input and output.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <sys/types.h>

namespace demo {

class Child {
 public:
  // `keep` is a descriptor the child inherits; -1: none.
  Child(const std::vector<std::string>& command, int keep = -1);
  ~Child();  // closes its input, waits for its end
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool running() const noexcept { return pid_ > 0; }
  // One line there, one line back; empty when the child is gone.
  std::string ask(const std::string& line);

 private:
  pid_t pid_ = -1;
  std::FILE* in_ = nullptr;
  std::FILE* out_ = nullptr;
};

}  // namespace demo

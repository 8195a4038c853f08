// A verb of a tool.
#pragma once

#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "writers/tool/output.hpp"

namespace stillframe::tool {

class Verb {
 public:
  virtual ~Verb() = default;

  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;   // one line, without a full stop
  virtual const char* examples() const = 0;  // what --help ends with, one command a line

  // Adds the verb's arguments, bound to its members. --json and --help are there already.
  virtual void describe(CLI::App& command) = 0;

  // Does it and prints the answer. An error is printed by the caller.
  virtual Result<Exit> run(Output& output) = 0;
};

}  // namespace stillframe::tool

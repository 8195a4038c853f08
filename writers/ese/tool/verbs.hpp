// The verbs of esectl. To add one: a file NAME_verb.cpp with its factory, a line here, a line in
// verbs.cpp.
#pragma once

#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "writers/ese/tool/output.hpp"

namespace stillframe::ese::tool {

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

std::unique_ptr<Verb> make_backup_verb();
std::unique_ptr<Verb> make_bench_verb();
std::unique_ptr<Verb> make_compare_verb();
std::unique_ptr<Verb> make_dump_verb();
std::unique_ptr<Verb> make_export_verb();
std::unique_ptr<Verb> make_header_verb();
std::unique_ptr<Verb> make_logdump_verb();
std::unique_ptr<Verb> make_logs_verb();
std::unique_ptr<Verb> make_recover_verb();
std::unique_ptr<Verb> make_restore_verb();
std::unique_ptr<Verb> make_schema_verb();
std::unique_ptr<Verb> make_ship_verb();
std::unique_ptr<Verb> make_tables_verb();
std::unique_ptr<Verb> make_verify_verb();

// One of each, in the order of --help.
std::vector<std::unique_ptr<Verb>> all_verbs();

}  // namespace stillframe::ese::tool

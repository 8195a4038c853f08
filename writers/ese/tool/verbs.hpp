// The verbs of esectl. To add one: a file NAME_verb.cpp with its factory, a line here, a line in
// verbs.cpp.
#pragma once

#include <memory>
#include <vector>

#include "writers/ese/tool/fields.hpp"
#include "writers/tool/verb.hpp"

namespace stillframe::ese::tool {

using stillframe::tool::Exit;
using stillframe::tool::Json;
using stillframe::tool::Output;
using stillframe::tool::Verb;

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

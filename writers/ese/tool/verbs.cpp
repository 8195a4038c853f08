#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

using MakeVerb = std::unique_ptr<Verb> (*)();

constexpr MakeVerb kVerbs[] = {
    make_header_verb, make_verify_verb,  make_compare_verb, make_tables_verb,  make_schema_verb,
    make_export_verb, make_dump_verb,    make_logs_verb,    make_logdump_verb, make_recover_verb,
    make_backup_verb, make_restore_verb, make_ship_verb,    make_bench_verb,
};

}  // namespace

std::vector<std::unique_ptr<Verb>> all_verbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  for (const MakeVerb make : kVerbs) verbs.push_back(make());
  return verbs;
}

}  // namespace stillframe::ese::tool

// The verbs of dedupctl. To add one: its factory here, and a line in run_dedupctl.cpp.
#pragma once

#include <memory>

#include "writers/tool/verb.hpp"

namespace stillframe::dedup::tool {

using stillframe::tool::Exit;
using stillframe::tool::Json;
using stillframe::tool::Output;
using stillframe::tool::Verb;

std::unique_ptr<Verb> make_disable_verb();
std::unique_ptr<Verb> make_enable_verb();
std::unique_ptr<Verb> make_gc_verb();
std::unique_ptr<Verb> make_inspect_verb();
std::unique_ptr<Verb> make_job_verb();
std::unique_ptr<Verb> make_measure_verb();
std::unique_ptr<Verb> make_mount_verb();
std::unique_ptr<Verb> make_optimize_verb();
std::unique_ptr<Verb> make_rekey_verb();
std::unique_ptr<Verb> make_restore_verb();
std::unique_ptr<Verb> make_scrub_verb();
std::unique_ptr<Verb> make_status_verb();
std::unique_ptr<Verb> make_unmount_verb();
std::unique_ptr<Verb> make_unoptimize_verb();

}  // namespace stillframe::dedup::tool

#include "writers/dedup/tool/run_dedupctl.hpp"

#include <utility>

#include "writers/dedup/tool/verbs.hpp"

namespace stillframe::dedup::tool {

namespace {

using MakeVerb = std::unique_ptr<Verb> (*)();

constexpr MakeVerb kVerbs[] = {
    make_enable_verb,  make_disable_verb, make_mount_verb,      make_unmount_verb,
    make_status_verb,  make_inspect_verb, make_measure_verb,    make_optimize_verb,
    make_gc_verb,      make_scrub_verb,   make_unoptimize_verb, make_job_verb,
    make_restore_verb, make_rekey_verb,
};

}  // namespace

stillframe::tool::Tool dedupctl() {
  stillframe::tool::Tool tool{
      "dedupctl",
      8,
      "Looks after deduplicated volumes",
      "A volume is named by its block device, or by where it is mounted.",
      {
          {Exit::ok, "done"},
          {Exit::usage, "wrong usage"},
          {Exit::not_found, "not found, or not deduplicated"},
          {Exit::access_denied, "access denied: most verbs need root"},
          {Exit::damaged, "damaged: files are named"},
          {Exit::unsupported, "of a kind that is not supported"},
          {Exit::wrong_state, "something must be done first, such as enabling the volume"},
          {Exit::io, "input or output failed, or there is no space"},
          {Exit::busy, "a job, a process or a mount is in the way, and named"},
          {Exit::cancelled, "cancelled: what was done until then stays"},
          {Exit::partial, "done, but for files that are named"},
          {Exit::internal, "internal"},
      },
      {}};
  for (const MakeVerb make : kVerbs) tool.verbs.push_back(make());
  return tool;
}

Exit run_dedupctl(std::vector<std::string> words, std::FILE* out, std::FILE* err,
                  bool interactive) {
  return stillframe::tool::run_tool(dedupctl(), std::move(words), out, err, interactive);
}

}  // namespace stillframe::dedup::tool

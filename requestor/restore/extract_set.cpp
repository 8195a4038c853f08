// Files of a backup set, put somewhere without their writers.
#include <map>

#include "framework/base/path.hpp"
#include "requestor/restore/file_choice.hpp"
#include "requestor/restore/file_restorer.hpp"
#include "requestor/restore/restore_run.hpp"

namespace stillframe::requestor {
namespace {

Status keep_chosen(const ChainSource& source, const std::vector<BytePath>& chosen,
                   std::map<BytePath, StoredFile>& files) {
  FileChoice choice(chosen);
  if (!choice.is_made()) return Ok{};
  const auto writers = source.newest().writers();
  if (!writers.ok()) return writers.error();
  std::vector<const Component*> members;
  for (const WriterMetadata& writer : writers.value()) {
    for (const Component& component : writer.components) members.push_back(&component);
  }
  choice.keep_in(members, files);
  const auto missing = choice.without_a_file();
  if (!missing) return Ok{};
  return Error(Errc::not_found, "the backup set has no file " + quoted_path(*missing));
}

}  // namespace

Result<ExtractOutcome> extract_set(const BytePath& set, const BytePath& folder,
                                   RunObserver& observer, std::stop_token stop,
                                   const std::vector<BytePath>& chosen) {
  auto source = ChainSource::open(tidy_path(set));
  if (!source.ok()) return source.error();
  auto files = source.value().all_files();
  if (Status s = keep_chosen(source.value(), chosen, files); !s.ok()) return s.error();
  const Placement placement = place_beneath(tidy_path(folder), files);
  auto journal = make_journal(SessionId::generate(), set, 0, placement);
  if (!journal.ok()) return journal.error();
  std::uint64_t done = 0, total = 0;
  for (const auto& [path, stored] : files) total += stored.back().file->size;
  for (const JournalEntry& entry : journal.value().entries) {
    if (!entry.existed) continue;
    return Error(Errc::already_exists, "'" + escape_path(join_path(entry.root, entry.relative)) +
                                           "' exists; extract into an empty folder");
  }
  FileRestorer restorer(journal.value(), files);
  auto counts = restorer.run([&](std::uint64_t bytes) {
    done += bytes;
    observer.progress("extract", "", done, total);
    return !stop.stop_requested();
  });
  if (!counts.ok()) {
    (void)restorer.put_back();
    return counts.error();
  }
  return ExtractOutcome{counts.value().files, counts.value().bytes};
}

}  // namespace stillframe::requestor

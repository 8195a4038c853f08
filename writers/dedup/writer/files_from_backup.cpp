#include "writers/dedup/writer/files_from_backup.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

// Paths from `root`, as RestoreFiles() takes them, and their length.
struct MarkedFiles {
  std::vector<BytePath> paths;
  std::vector<std::uint64_t> bytes;
};

Result<MarkedFiles> find_marked(int root, const std::string& store) {
  MarkedFiles found;
  const Status walked = for_each_file(root, {}, [&](const FoundFile& file) -> Status {
    const auto mark = mark_of(root, file.path);
    if (!mark.ok()) return mark.error();
    if (!mark.value()) return Ok{};
    if (!store.empty() && uuid_to_string(mark.value()->store) != store) return Ok{};
    found.paths.push_back("/" + file.path);
    found.bytes.push_back(static_cast<std::uint64_t>(file.status.st_size));
    return Ok{};
  });
  if (!walked.ok()) return walked.error();
  return found;
}

}  // namespace

std::string FilledFiles::text() const {
  std::string said = std::to_string(files) + " files of " + std::to_string(bytes) +
                     " bytes given their content, " + std::to_string(reads.container_bytes) +
                     " bytes read of the backup's containers";
  if (bytes == 0) return said;
  std::array<char, 32> times{};
  std::snprintf(times.data(), times.size(), "%.3f",
                static_cast<double>(reads.container_bytes) / static_cast<double>(bytes));
  return said + ": read amplification " + times.data();
}

Result<FilledFiles> fill_from_backup(const BytePath& folder, const std::string& store,
                                     BackupOfVolume& backup, const BytePath& key_file) {
  const auto root = open_directory(folder);
  if (!root.ok()) return root.error();
  const auto marked = find_marked(root.value().get(), store);
  if (!marked.ok()) return marked.error();
  FilledFiles filled;
  if (marked.value().paths.empty()) return filled;
  const auto counting = counting_backup(backup, filled.reads);
  const auto done = restore_files(folder, marked.value().paths, *counting, key_file);
  if (!done.ok()) return done.error();
  std::uint64_t failed = 0;
  std::string first;
  for (std::size_t i = 0; i < done.value().size(); ++i) {
    const RestoredFile& file = done.value()[i];
    if (file.as == RestoredAs::restored) {
      ++filled.files;
      filled.bytes += marked.value().bytes[i];
    }
    if (file.as != RestoredAs::failed || failed++ > 0) continue;
    first = quoted_path(marked.value().paths[i]) + ", " + std::string(restore_code_text(file.code));
  }
  if (failed == 0) return filled;
  return Error(Errc::partial_failure,
               std::to_string(failed) + " of " + std::to_string(done.value().size()) +
                   " files were not given their content, the first " + first);
}

}  // namespace stillframe::dedup

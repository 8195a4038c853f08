#include "writers/ese/writer/streamed_copies.hpp"

#include <utility>

#include "writers/ese/backup/hard_restore.hpp"

namespace stillframe::ese {

namespace {

Result<std::vector<RestoredPath>> copies_among(Files& files,
                                               std::vector<StreamedCopyPlace> databases) {
  std::vector<RestoredPath> copies;
  for (StreamedCopyPlace& each : databases) {
    const auto found = read_database_header(files, each.file);
    if (!found.ok()) return found.error();
    if (!found.value() || found.value()->header.full_current.low == Generation::none) continue;
    copies.push_back({std::move(each.logged), std::move(each.file)});
  }
  return copies;
}

}  // namespace

Status recover_streamed_copies(Files& files, const InstancePlaces& there,
                               std::vector<StreamedCopyPlace> databases) {
  auto copies = copies_among(files, std::move(databases));
  if (!copies.ok()) return copies.error();
  if (copies.value().empty()) return Ok{};
  HardRestore restore;
  restore.databases = std::move(copies).value();
  restore.set = restore.logs = there.logs;
  restore.checkpoint = there.system;
  restore.base = there.base;
  const auto restored = restore_databases(files, restore);
  return restored.ok() ? Status(Ok{}) : Status(restored.error());
}

Status recover_streamed_copies(Files& files, const InstancePlaces& places) {
  std::vector<StreamedCopyPlace> all;
  for (const BytePath& path : places.databases) all.push_back({path, path});
  return recover_streamed_copies(files, places, std::move(all));
}

}  // namespace stillframe::ese

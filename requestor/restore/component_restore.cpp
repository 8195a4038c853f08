#include "requestor/restore/component_restore.hpp"

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::string_view kInterlockName = "restore.env";

BytePath location_of(const std::vector<RestoreLocation>& locations, std::string_view what) {
  for (const RestoreLocation& location : locations) {
    if (location.what == what) return location.path;
  }
  return {};
}

bool stages(const ComponentToRestore& component) {
  return component.live != nullptr &&
         component.live->identity.capabilities.has(Capability::staged_restore);
}

}  // namespace

Status ComponentRestorer::register_with_writer(const ComponentToRestore& component,
                                               const Placement&) {
  const WriterInstanceId& writer = component.live->instance;
  RestoreAuthority authority;
  authority.token = request_.options.authority_token;
  if (request_.options.expires) authority.expires = *request_.options.expires;
  if (Status s = session_.prepare(writer, authority); !s.ok()) return s;
  auto locations = session_.locations(writer, component.component.name);
  if (!locations.ok()) return locations.error();
  locations_ = std::move(locations).value();

  RestoreRegistration registration;
  registration.component = component.component.name;
  registration.checkpoint_path = location_of(locations_, "checkpoint");
  registration.log_path = location_of(locations_, "log");
  registration.backup_log_path = registration.log_path;
  if (component.component.restore) {
    for (const NewTarget& target : component.component.restore->new_targets) {
      registration.moved.emplace_back(target.path, target.destination);
    }
  }
  std::tie(registration.low, registration.high) = source_.logs_of(component.manifest_index);
  if (Status s = session_.register_restore(writer, registration); !s.ok()) return s;
  registered_ = true;
  return Ok{};
}

// Beside the interlock record, where one is: that is where people are sent to. Else beside the
// first file.
BytePath ComponentRestorer::journal_folder(const Placement& placement) const {
  for (const RestoreLocation& location : locations_) {
    for (const BytePath& folder :
         {tidy_path(location.path), parent_path(tidy_path(location.path))}) {
      if (exists(join_path(folder, kInterlockName))) return folder;
    }
  }
  return placement.files.empty() ? BytePath() : placement.files.front().root;
}

// A target accepts a registration only when no other is open, so a staged journal of another
// session is of one that was completed and whose requestor did not live to tidy up.
Status ComponentRestorer::clear_finished_journal() const {
  auto known = read_journal(folder_);
  const bool finished =
      registered_ && known.ok() && known.value().staged && known.value().session != session_.id();
  if (!finished) return Ok{};
  const std::map<BytePath, StoredFile> none;
  if (Status s = FileRestorer(known.value(), none).drop_old(); !s.ok()) return s;
  return remove_journal(folder_);
}

Result<RestoreCounts> ComponentRestorer::copy(const ComponentToRestore& component,
                                              const Placement& placement,
                                              const std::map<BytePath, StoredFile>& files,
                                              std::stop_token stop) {
  auto journal =
      make_journal(session_.id(), source_.newest().path(), component.manifest_index, placement);
  if (!journal.ok()) return journal.error();
  journal.value().staged = registered_;
  folder_ = journal_folder(placement);
  if (folder_.empty()) return RestoreCounts{};  // nothing to copy, nothing to take back
  if (Status s = make_directories(folder_, 0755); !s.ok()) return s.error();
  if (Status s = clear_finished_journal(); !s.ok()) return s.error();
  if (Status s = write_journal(folder_, journal.value()); !s.ok()) return s.error();
  journal_ = std::move(journal).value();

  std::uint64_t done = 0, total = 0;
  for (const PlacedFile& file : placement.files) total += file.stored->back().file->size;
  FileRestorer restorer(*journal_, files);
  auto counts = restorer.run([&](std::uint64_t bytes) {
    done += bytes;
    observer_.progress("restore", component.component.name.full(), done, total);
    return !stop.stop_requested();
  });
  if (counts.ok()) return counts;
  if (Status back = restorer.put_back(); !back.ok()) {
    return Error(Errc::recovery_failed,
                 counts.error().what() +
                     "; putting the old files back failed too: " + back.error().what() +
                     "; run stillframe restore abandon " + escape_path(folder_));
  }
  return counts.error();
}

// After the target knows how the copy ended: until then the journal is what a resume works from.
void ComponentRestorer::clean_up(const std::map<BytePath, StoredFile>& files) {
  if (!journal_) return;
  if (!request_.keep_old_files) {
    if (Status s = FileRestorer(*journal_, files).drop_old(); !s.ok()) {
      observer_.warning("old files stay beside the new ones: " + s.error().what());
    }
  }
  if (Status s = remove_journal(folder_); !s.ok()) observer_.warning(s.error().what());
}

RestoredComponent ComponentRestorer::restore(const ComponentToRestore& component, Status& result,
                                             std::stop_token stop) {
  RestoredComponent restored;
  restored.writer_class = component.component.writer_class;
  restored.instance_name = component.component.instance_name;
  restored.name = component.component.name;
  const auto files = source_.files_of(component.manifest_index);
  locations_.clear();
  registered_ = false;
  journal_.reset();

  auto placement = place_files({component.stored, component.members, &component.component, &files});
  result = placement.ok() ? Status(Ok{}) : Status(placement.error());
  if (result.ok() && stages(component)) {
    result = register_with_writer(component, placement.value());
  }
  if (result.ok()) {
    auto counts = copy(component, placement.value(), files, stop);
    result = counts.ok() ? Status(Ok{}) : Status(counts.error());
    if (counts.ok()) restored.files = counts.value().files;
    if (counts.ok()) restored.bytes = counts.value().bytes;
  }
  const bool half_done = !result.ok() && result.error().code() == Errc::recovery_failed;
  restored.status = result.ok() ? FileRestoreStatus::all
                    : half_done ? FileRestoreStatus::failed
                                : FileRestoreStatus::none;
  if (!result.ok()) restored.message = result.error().what();
  if (component.live == nullptr) {
    if (!half_done) clean_up(files);
    return restored;
  }

  std::vector<AlternateMapping> used;
  if (placement.ok()) used = placement.value().mappings_used;
  Status told = session_.set_file_status(component.live->instance, component.component.name,
                                         restored.status, used);
  if (registered_) {
    Status completed =
        session_.complete(component.live->instance, component.component.name, result);
    if (!completed.ok()) {
      result = completed;
      return restored;  // the journal stays: the target waits for resume or abandon
    }
  }
  if (!half_done) clean_up(files);
  if (result.ok()) result = told;
  return restored;
}

}  // namespace stillframe::requestor

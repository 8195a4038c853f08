#include "requestor/restore/component_restore.hpp"

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "requestor/restore/boot_restore.hpp"

namespace stillframe::requestor {
namespace {

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

Status ComponentRestorer::register_with_writer(const ComponentToRestore& component) {
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

Result<RestoreJournal> ComponentRestorer::journal_for(const ComponentToRestore& component,
                                                      const Placement& placement) const {
  auto journal =
      make_journal(session_.id(), source_.newest().path(), component.manifest_index, placement);
  if (!journal.ok()) return journal;
  journal.value().target =
      component.component.instance_name + ":" + component.component.name.full();
  journal.value().staged = registered_;
  journal.value().keep_old = request_.keep_old_files;
  return journal;
}

FileRestorer::Progress ComponentRestorer::progress_of(const ComponentToRestore& component,
                                                      const Placement& placement,
                                                      std::stop_token stop) const {
  std::uint64_t total = 0;
  for (const PlacedFile& file : placement.files) total += file.stored->back().file->size;
  return [this, total, done = std::uint64_t{0}, stop = std::move(stop),
          name = component.component.name.full()](std::uint64_t bytes) mutable {
    observer_.progress("restore", name, done += bytes, total);
    return !stop.stop_requested();
  };
}

void ComponentRestorer::report_left_out(const Placement& placement, const RestoreCounts& counts) {
  for (const BytePath& socket : placement.left_out) {
    observer_.warning("socket '" + escape_path(socket) +
                      "' is not made again; its program does that when it starts");
  }
  for (const std::string& why : counts.left_out) observer_.warning("left out: " + why);
}

Result<RestoreCounts> ComponentRestorer::stage(const ComponentToRestore& component,
                                               const Placement& placement, std::stop_token stop) {
  if (stages(component)) {
    return Error(Errc::not_supported,
                 "its writer wants files replaced at the next boot and also stages restores "
                 "itself; the record that keeps it from starting would stand until then. Extract "
                 "the files with --to");
  }
  auto pending = PendingRestores::open(request_.pending);
  if (!pending.ok()) return pending.error();
  auto journal = journal_for(component, placement);
  if (!journal.ok()) return journal.error();
  auto counts = stage_for_boot(pending.value(), journal.value(), component.files,
                               progress_of(component, placement, std::move(stop)));
  waits_for_boot_ = waits_for_boot_ || counts.ok();
  return counts;
}

Result<RestoreCounts> ComponentRestorer::copy(const ComponentToRestore& component,
                                              const Placement& placement, std::stop_token stop) {
  auto journal = journal_for(component, placement);
  if (!journal.ok()) return journal.error();
  if (exists(request_.pending)) {
    auto pending = PendingRestores::open(request_.pending);
    if (!pending.ok()) return pending.error();
    if (Status s = pending.value().refuse_overlap(journal.value()); !s.ok()) return s.error();
  }
  folder_ = journal_folder(placement);
  if (folder_.empty()) return RestoreCounts{};  // nothing to copy, nothing to take back
  if (Status s = make_directories(folder_, 0755); !s.ok()) return s.error();
  if (Status s = clear_finished_journal(); !s.ok()) return s.error();
  if (Status s = write_journal(folder_, journal.value()); !s.ok()) return s.error();
  journal_ = std::move(journal).value();

  FileRestorer restorer(*journal_, component.files);
  auto counts = restorer.run(progress_of(component, placement, std::move(stop)));
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
void ComponentRestorer::clean_up() {
  if (!journal_) return;
  if (restored_ && !request_.keep_old_files) {
    // Said first: from here on an abandon could put back only some of the old files.
    journal_->phase = RestorePhase::swapped;
    Status noted = write_journal(folder_, *journal_);
    if (!noted.ok()) return observer_.warning("old files stay beside: " + noted.error().what());
    const std::map<BytePath, StoredFile> none;
    if (Status s = FileRestorer(*journal_, none).drop_old(); !s.ok()) {
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
  locations_.clear();
  registered_ = restored_ = false;
  journal_.reset();

  auto placement =
      place_files({component.stored, component.members, &component.component, &component.files});
  result = placement.ok() ? Status(Ok{}) : Status(placement.error());
  const bool at_boot = placement.ok() && placement.value().at_boot;
  if (result.ok() && stages(component) && !at_boot) {
    result = register_with_writer(component);
  }
  if (result.ok()) {
    wants_reboot_ = wants_reboot_ || placement.value().reboot_required;
    auto counts = placement.value().at_boot ? stage(component, placement.value(), stop)
                                            : copy(component, placement.value(), stop);
    if (counts.ok()) report_left_out(placement.value(), counts.value());
    result = counts.ok() ? Status(Ok{}) : Status(counts.error());
    if (counts.ok()) restored.files = counts.value().files;
    if (counts.ok()) restored.bytes = counts.value().bytes;
  }
  const bool half_done = !result.ok() && result.error().code() == Errc::recovery_failed;
  restored.status = result.ok() ? FileRestoreStatus::all
                    : half_done ? FileRestoreStatus::failed
                                : FileRestoreStatus::none;
  if (!result.ok()) restored.message = result.error().what();
  if (result.ok() && placement.value().at_boot) {
    restored.message = "staged; takes its place at the next boot";
  }
  restored_ = result.ok();
  if (component.live == nullptr) {
    if (!half_done) clean_up();
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
  if (!half_done) clean_up();
  if (result.ok()) result = told;
  return restored;
}

}  // namespace stillframe::requestor

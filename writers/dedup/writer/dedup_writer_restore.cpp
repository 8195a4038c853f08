// The verbs of a restore: of the volume as a whole in its own place, and of files to others.
#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/option_string.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/writer/backup_key.hpp"
#include "writers/dedup/writer/dedup_writer.hpp"
#include "writers/dedup/writer/files_from_backup.hpp"

namespace stillframe::dedup {

namespace {

// Of a restore to another place: whoever restores calls RestoreFiles() itself.
constexpr std::string_view kMarkedOption = "Leave Marked";
// Of an encrypted backup, where its key file is on this machine.
constexpr std::string_view kKeyFileOption = "Key File";

bool is_chosen(const BackupComponent& component, const ComponentName& member) {
  const auto& chosen = component.restore->subcomponents;
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), member) != chosen.end();
}

const NewTarget* target_of(const BackupComponent& component, const FileSet& files) {
  for (const NewTarget& target : component.restore->new_targets) {
    if (target.path == files.path && target.pattern == files.pattern &&
        target.recursive == files.recursive) {
      return &target;
    }
  }
  return nullptr;
}

}  // namespace

Status DedupWriter::pre_restore(const CallContext& call, RestoreView& restore) {
  for (const BackupComponent& component : restore.components) {
    if (component.name != volume_component() || !component.restore) continue;
    if (!component.restore->new_targets.empty()) {
      auto there = elsewhere(component);
      if (!there.ok()) return there.error();
      elsewhere_[call.session] = std::move(there).value();
      return Ok{};
    }
    if (!component.restore->subcomponents.empty()) {
      return Error(Errc::not_supported,
                   "store, settings and files of volume '" + volume_.name +
                       "' are one: they are restored together, or to another place");
    }
    if (replacement_ || !backups_.empty()) {
      return Error(Errc::in_progress,
                   "volume '" + volume_.name + "' is being " +
                       (replacement_ ? "restored by session " + replaced_by_->to_string()
                                     : std::string("backed up")));
    }
    unfinished_.reset();  // this one comes in its place
    looked_for_unfinished_ = false;
    const auto key_file = key_file_for(component);
    if (!key_file.ok()) return key_file.error();
    const BackedUpStore about = parse_backed_up_store(component.metadata);
    auto begun = VolumeReplacement::begin(volume_, call.session, about.store, key_file.value());
    if (!begun.ok()) return begun.error();
    replacement_ = std::move(begun).value();
    replaced_by_ = call.session;
    return Ok{};
  }
  return Error(Errc::not_found, "nothing of volume '" + volume_.name + "' is to be restored");
}

// Whatever is chosen goes elsewhere or nothing: half a volume in its place is none.
Result<DedupWriter::Elsewhere> DedupWriter::elsewhere(const BackupComponent& component) const {
  Elsewhere there;
  there.store = parse_backed_up_store(component.metadata).store;
  bool store_too = false;
  for (const Component& member : metadata_of(volume_).components) {
    if (member.files.empty() || !is_chosen(component, member.name)) continue;
    for (const FileSet& files : member.files) {
      const NewTarget* target = target_of(component, files);
      if (target == nullptr) {
        return Error(Errc::not_supported,
                     "'" + member.name.full() + "' of volume '" + volume_.name +
                         "' would stay where it is, and the rest go to another place");
      }
      auto destination = expand_path(target->destination, {});
      if (!destination.ok()) return destination.error();
      if (member.name == files_component()) there.files = std::move(destination).value();
      store_too = store_too || member.name == store_component();
    }
  }
  const auto options = parse_restore_options(component.restore->options);
  if (!options.ok()) return options.error();
  const bool left = !option_values(options.value(), kMarkedOption).empty();
  for (const std::string& named : option_values(options.value(), kBackupOption)) {
    if (!left) there.backup.push_back(volume_in_backup(named));
  }
  if (!there.files.empty() && !there.backup.empty()) {
    auto key_file = key_file_for(component);
    if (!key_file.ok()) return key_file.error();
    there.key_file = std::move(key_file).value();
  }
  if (there.files.empty() || store_too || left || !there.backup.empty()) return there;
  return Error(Errc::not_supported,
               "files of volume '" + volume_.name +
                   "' get their content from a copy of its store: name the backup set with the "
                   "option \"Backup\"=\"/path/of/the/set\"");
}

// Before anything is touched: what is named for this restore, on this machine, or in the volume's
// settings as they are in the backup. Empty: it is not encrypted, and none is named.
Result<BytePath> DedupWriter::key_file_for(const BackupComponent& component) const {
  const auto options = parse_restore_options(component.restore->options);
  if (!options.ok()) return options.error();
  const auto named = option_values(options.value(), kKeyFileOption);
  if (named.size() > 1) {
    return Error(Errc::invalid_argument,
                 "the option \"Key File\" is there twice: a backup has one");
  }
  const BackedUpStore about = parse_backed_up_store(component.metadata);
  if (!about.encrypted()) {
    if (named.empty()) return BytePath();
    return Error(Errc::wrong_state, "the backup of volume '" + volume_.name +
                                        "' is not encrypted: leave the option \"Key File\" out");
  }
  const BytePath key_file = !named.empty()              ? BytePath(named.front())
                            : !volume_.key_file.empty() ? volume_.key_file
                                                        : about.key_file;
  if (!key_file.starts_with('/')) {
    return Error(Errc::invalid_argument,
                 "the option \"Key File\" is " + quoted_path(key_file) + ", no path from /");
  }
  if (Status s = expect_key_file(about, key_file); !s.ok()) {
    return s.error().while_doing("restoring volume '" + volume_.name + "'");
  }
  return key_file;
}

// A backup set has the volume's tree below its data; anything else is such a tree itself.
BytePath DedupWriter::volume_in_backup(const BytePath& named) const {
  const BytePath inside = join_path(named, "data" + places_.mount);
  return exists(join_path(inside, kVolumeFolder)) ? inside : named;
}

Status DedupWriter::restore_prepare(const CallContext&, const RestoreAuthority& authority) {
  const bool expires = authority.expires != WallTime();
  if (!expires || authority.expires > system_clock().wall_now()) return Ok{};
  return Error(Errc::access_denied, "the restore authority has expired; ask for a new one");
}

Result<std::vector<RestoreLocation>> DedupWriter::restore_locations(
    const CallContext& call, const ComponentName& component) {
  const auto there = elsewhere_.find(call.session);
  if (there != elsewhere_.end()) {
    return std::vector<RestoreLocation>{{component, "files", there->second.files}};
  }
  return std::vector<RestoreLocation>{{component, "store", join_path(places_.own, kStoreFolder)},
                                      {component, "files", places_.incoming},
                                      {component, "interlock", places_.own}};
}

Status DedupWriter::restore_register(const CallContext& call, const RestoreAuthority&,
                                     const RestoreRegistration& registration) {
  if (elsewhere_.contains(call.session)) return Ok{};
  if (replaced_by_ == call.session) return replacement_->make_room(registration);
  return Error(Errc::wrong_state, "restore_register() without pre_restore()");
}

Status DedupWriter::restore_complete(const CallContext& call, const ComponentName&,
                                     const Status& copied) {
  return replaced_by_ == call.session ? replacement_->files_came(copied) : Status(Ok{});
}

Status DedupWriter::post_restore(const CallContext& call, const RestoreView&) {
  const auto there = elsewhere_.find(call.session);
  if (there == elsewhere_.end()) {
    if (replaced_by_ == call.session) return replacement_->put_in_place();
    return Error(Errc::wrong_state, "post_restore() without pre_restore()");
  }
  const Elsewhere& files = there->second;
  if (files.files.empty() || files.backup.empty()) return Ok{};
  const auto backup = backup_in_folders(files.backup);
  const auto filled = fill_from_backup(files.files, files.store, *backup, files.key_file);
  if (!filled.ok()) return filled.error();
  if (call.progress != nullptr) {
    call.progress->report(filled.value().bytes, filled.value().bytes, filled.value().text());
  }
  return Ok{};
}

void DedupWriter::restore_end(const CallContext& call) {
  elsewhere_.erase(call.session);
  if (replaced_by_ != call.session) return;
  (void)replacement_->end();
  replacement_.reset();
  replaced_by_.reset();
  looked_for_unfinished_ = false;  // it may have left something to finish
}

}  // namespace stillframe::dedup

#include "writers/ese/backup/backup_target.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::string_view kPartial = ".partial";
constexpr const char *kTemporary = "temp", *kNew = "new", *kOld = "old";

std::vector<BytePath> names_in(Files& files, const BytePath& folder) {
  auto names = files.list(folder);
  return names.ok() ? std::move(names).value() : std::vector<BytePath>();
}

// What an interrupted call left has no meaning to anybody.
Status remove_partial(Files& files, const BytePath& folder) {
  for (const BytePath& name : names_in(files, folder)) {
    if (!name.ends_with(kPartial)) continue;
    if (Status s = files.remove(join_path(folder, name)); !s.ok()) return s;
  }
  return Ok{};
}

Error as(EseErr err, const Error& cause) {
  return ese_error(err, cause.what());
}

}  // namespace

Status remove_folder(Files& files, const BytePath& folder) {
  for (const BytePath& name : names_in(files, folder)) {
    if (Status s = files.remove(join_path(folder, name)); !s.ok()) return s;
  }
  if (files.exists(folder)) {
    if (Status s = files.remove(folder); !s.ok()) return s;
  }
  return files.sync_directory(parent_path(folder));
}

BackupTarget::BackupTarget(BackupTarget&& other) noexcept
    : files_(std::exchange(other.files_, nullptr)),
      options_(std::move(other.options_)),
      set_(std::move(other.set_)),
      stored_(std::move(other.stored_)),
      markers_(std::move(other.markers_)),
      kept_(other.kept_) {}

BackupTarget::~BackupTarget() {
  if (files_ != nullptr && !kept_) discard();
}

BytePath BackupTarget::part(const char* name) const {
  return join_path(options_.directory, name);
}

// ---- Before

Result<BackupTarget> BackupTarget::prepare(Files& files, BackupTargetOptions options) {
  BackupTarget target(files, std::move(options));
  const BytePath& directory = target.options_.directory;
  if (target.options_.create_path) {
    if (Status s = files.make_directory(directory); !s.ok()) {
      return as(EseErr::invalid_path, s.error());
    }
  }
  if (const auto names = files.list(directory); !names.ok()) {
    return ese_error(EseErr::invalid_path, "a backup cannot go to '" + escape_path(directory) +
                                               "': " + names.error().what());
  }
  Status ready = target.options_.atomic ? target.prepare_atomic() : target.prepare_plain();
  if (!ready.ok()) return ready.error();
  return target;
}

Status BackupTarget::prepare_plain() {
  set_ = options_.directory;
  if (Status s = remove_partial(*files_, set_); !s.ok()) return s;
  const auto not_empty = [](const BytePath& folder, const char* why) {
    return ese_error(EseErr::backup_directory_not_empty,
                     "'" + escape_path(folder) + "' is not empty" + why);
  };
  if (whole_set()) {
    return names_in(*files_, set_).empty()
               ? Status(Ok{})
               : not_empty(set_,
                           ": a full backup takes an empty folder, or replaces an atomic set");
  }
  for (const char* name : {kNew, kOld}) {
    if (names_in(*files_, part(name)).empty()) continue;
    return not_empty(part(name), ": the set is an atomic one; say so");
  }
  return Ok{};
}

// The newest whole set is in `old` from here on: an interrupted call may have left it in `new`,
// with the one before it still there.
Status BackupTarget::prepare_atomic() {
  if (!names_in(*files_, part(kNew)).empty()) {
    if (Status s = remove_folder(*files_, part(kOld)); !s.ok()) {
      return as(EseErr::delete_backup_file_fail, s.error());
    }
    if (Status s = files_->rename(part(kNew), part(kOld)); !s.ok()) {
      return as(EseErr::make_backup_directory_fail, s.error());
    }
    if (Status s = files_->sync_directory(options_.directory); !s.ok()) return s;
  }
  if (Status s = remove_folder(*files_, part(kTemporary)); !s.ok()) {
    return as(EseErr::delete_backup_file_fail, s.error());
  }
  set_ = part(whole_set() ? kTemporary : kOld);
  if (!whole_set()) return remove_partial(*files_, set_);
  if (Status s = files_->make_directory(set_); !s.ok()) {
    return as(EseErr::make_backup_directory_fail, s.error());
  }
  return Ok{};
}

// ---- Files

BytePath BackupTarget::place_for(const std::string& name) {
  stored_.push_back({name});
  return join_path(set_, name) + std::string(kPartial);
}

Status BackupTarget::name_files() {
  for (Stored& file : stored_) {
    const BytePath path = join_path(set_, file.name);
    file.replaced = files_->exists(path);
    if (Status s = files_->rename(path + std::string(kPartial), path); !s.ok()) return s;
    file.named = true;
  }
  return files_->sync_directory(set_);
}

Status BackupTarget::write_markers() {
  for (const std::string& name : markers_) {
    auto file = files_->create(join_path(set_, name));
    if (!file.ok()) return file.error();
    if (Status s = file.value()->sync(); !s.ok()) return s;
  }
  return markers_.empty() ? Status(Ok{}) : files_->sync_directory(set_);
}

Status BackupTarget::keep() {
  if (Status s = name_files(); !s.ok()) return s;
  if (Status s = write_markers(); !s.ok()) return s;
  if (options_.atomic && whole_set()) {
    if (Status s = files_->rename(set_, part(kNew)); !s.ok()) return s;
    set_ = part(kNew);
    if (Status s = files_->sync_directory(options_.directory); !s.ok()) return s;
  }
  kept_ = true;
  return Ok{};
}

Status BackupTarget::remove_previous() {
  if (!options_.atomic || !whole_set()) return Ok{};
  Status removed = remove_folder(*files_, part(kOld));
  if (removed.ok()) return removed;
  return ese_error(
      EseErr::delete_backup_file_fail,
      "the backup is whole, but the one before it could not be removed: " + removed.error().what());
}

// Nobody can be told if something stays; what stays is no set, since the markers go first.
void BackupTarget::discard() noexcept {
  for (const std::string& name : markers_) {
    const BytePath path = join_path(set_, name);
    if (files_->exists(path)) (void)files_->remove(path);
  }
  for (const Stored& file : stored_) {
    const BytePath path = join_path(set_, file.name) + (file.named ? "" : std::string(kPartial));
    const bool own = !file.named || !file.replaced;
    if (own && files_->exists(path)) (void)files_->remove(path);
  }
  if (options_.atomic && whole_set()) {
    (void)remove_folder(*files_, set_);
  } else {
    (void)files_->sync_directory(set_);
  }
}

}  // namespace stillframe::ese

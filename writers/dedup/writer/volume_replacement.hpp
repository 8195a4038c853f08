// A volume that is replaced as a whole by what a restore brings back: store, settings and files.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <stillframe/writer.hpp>

#include "framework/base/path.hpp"
#include "framework/io/file_lock.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/writer/backed_up_volume.hpp"
#include "writers/dedup/writer/mounted_place.hpp"

namespace stillframe::dedup {

// While it lives the volume is mounted at its place, and nobody else opens it. What was on it goes
// into `replaced-SESSION` in the volume's own folder, and nothing of it is deleted. Until all that
// comes back is there, the users' files stay where they are, and an interlock record keeps
// engines out, also after a crash.
class VolumeReplacement {
 public:
  // in_use, with who has it, while a process has the volume open; wrong_state when it has another
  // store than the backup of `store`. Nothing is changed yet. `key_file`: of what comes back, when
  // its store is encrypted with one that is not where its settings say; they do afterwards.
  static Result<std::unique_ptr<VolumeReplacement>> begin(const BackedUpVolume& volume,
                                                          const SessionId& session,
                                                          const std::string& store,
                                                          const BytePath& key_file = {});

  // A restore of this volume that nobody carries out any more, with the volume mounted at its
  // place: there a requestor resumes or abandons it. Null when there is none; in_progress while
  // another process has the volume.
  static Result<std::unique_ptr<VolumeReplacement>> find_unfinished(const BackedUpVolume& volume);
  // Of such a one: puts in place what came whole, and puts back what was there when it failed or
  // was abandoned. False: its record says neither yet. Again, after an error or a crash, it goes
  // on.
  Result<bool> carry_on();

  // Told right before each change; tests kill the process there.
  void on_step(std::function<void(std::string_view step)> observer) {
    observer_ = std::move(observer);
  }

  // The record, then the store that is there goes aside. Again: nothing.
  Status make_room(const RestoreRegistration& registration);
  // All files of the restore are there, or `copied` says why not.
  Status files_came(const Status& copied);
  // What came takes the place of what was there; on return engines may open the volume.
  Status put_in_place();
  // Unless it came so far, what was there is put back. Called at the end, whatever happened.
  Status end();

 private:
  VolumeReplacement(const BackedUpVolume& volume, const SessionId& session, std::string store,
                    BytePath key_file)
      : volume_(volume),
        places_(VolumePlaces::of(volume)),
        session_(session),
        store_(std::move(store)),
        key_file_(std::move(key_file)),
        aside_(join_path(places_.own, kReplacedPrefix + session.to_string())),
        kept_(join_path(aside_, kVolumeFolder)),
        moving_(join_path(places_.own, "moving-" + session.to_string())),
        arriving_(join_path(places_.own, kArrivingFolder)) {}

  Status expect_store_fits() const;
  Status check_what_came() const;
  Status move_own_files(const BytePath& from, const BytePath& to) const;
  Status swap_users_files() const;
  Status take_old_files_back() const;
  Status put_in_place_what_came();
  Status put_back() const;
  Status move_users_files(const BytePath& from, const BytePath& to) const;
  Status move_name(const BytePath& from, const BytePath& to, const BytePath& name) const;
  Status rename_folder(const BytePath& from, const BytePath& to) const;
  void at(std::string_view step) const {
    if (observer_) observer_(step);
  }

  const BackedUpVolume& volume_;
  const VolumePlaces places_;
  const SessionId session_;
  const std::string store_;  // UUID of the backup's; empty: not known
  const BytePath key_file_;  // empty: where the settings say
  const BytePath aside_;
  // The volume's own files of before: under the second name until all are there, and while they go
  // back.
  const BytePath kept_, moving_;
  const BytePath arriving_;
  std::unique_ptr<MountedPlace> mounted_;
  std::optional<FileLock> lock_;
  std::function<void(std::string_view)> observer_;
  // From `swapping` to `in_place` there is no way back, only another restore.
  enum class Stage { begun, made_room, came, swapping, in_place } stage_ = Stage::begun;
};

}  // namespace stillframe::dedup

// Where a deduplicated volume has what is its own.
#pragma once

namespace stillframe::dedup {

// The volume's own folder in its root, which the view does not show: the file table and
inline constexpr const char* kVolumeFolder = ".stillframe-dedup";
inline constexpr const char* kStoreFolder = "store";    // the chunk store
inline constexpr const char* kTableFileName = "files";  // the file table
inline constexpr const char* kTableIndexFileName = "files.index";
// An empty file while nobody may use the volume's deduplicated files.
inline constexpr const char* kDisabledFileName = "disabled";
// Locked while a job is under way, of which a volume has one at a time.
inline constexpr const char* kJobLockFileName = "job.lock";
// Locked by the one process that has store and table open.
inline constexpr const char* kEngineLockFileName = "engine.lock";
inline constexpr const char* kSettingsFileName = "settings";  // TOML
inline constexpr const char* kHistoryFileName = "history";    // TOML: what each job did last
// The interlock record (docs/interlock.md), while a restore replaces the volume: nobody opens it.
inline constexpr const char* kRestoreRecordName = "restore.env";
// Where files are while they are restored, and, with the session behind it, what they replaced.
inline constexpr const char* kIncomingFolder = "incoming";
inline constexpr const char* kReplacedPrefix = "replaced-";
// What the first is called once what they replace is out of their way.
inline constexpr const char* kArrivingFolder = "arriving";

// In the folder of the engines' sockets: where a backup or a restore has the file systems of
// volumes mounted, for root alone.
inline constexpr const char* kBackupPlaces = "backup";
// Beside it: where a backup shows the files of its snapshot.
inline constexpr const char* kFilesPlaces = "files";

}  // namespace stillframe::dedup

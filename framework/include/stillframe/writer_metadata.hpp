// What a writer says it owns: the writer metadata document, one per writer instance. Read-only for
// everybody once identify() has returned it; stored beside every backup, because only it holds
// paths.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/time.hpp>

namespace stillframe {

// Fields of a document that this version does not know, kept as JSON text so that they survive a
// round trip.
using UnknownFields = std::map<std::string, std::string>;

struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

enum class UsageType { bootable_system_state = 1, system_service = 2, user_data = 3, other = 4 };
enum class SourceType { transacted_db = 1, nontransacted_db = 2, other = 3 };

// Freeze goes front end, back end, system; thaw goes the other way. An application that stores its
// data through another one is in front of it.
enum class FreezeLevel { front_end = 0, back_end = 1, system = 2 };
inline constexpr int kFreezeLevels = 3;

enum class ComponentType { database = 1, file_group = 2 };

enum class BackupType { full = 1, incremental = 2, differential = 3, log = 4, copy = 5, other = 6 };

// Which backup types need a file set, and which must read it from a snapshot, never live.
struct TypeMask {
  static constexpr std::uint32_t kFullRequired = 0x0001, kDifferentialRequired = 0x0002,
                                 kIncrementalRequired = 0x0004, kLogRequired = 0x0008;
  static constexpr std::uint32_t kFullSnapshot = 0x0100, kDifferentialSnapshot = 0x0200,
                                 kIncrementalSnapshot = 0x0400, kLogSnapshot = 0x0800;
  static constexpr std::uint32_t kCreatedDuringBackup = 0x10000;
  static constexpr std::uint32_t kDefault = 0x0F0F;

  std::uint32_t bits = kDefault;
  friend bool operator==(const TypeMask&, const TypeMask&) = default;
};

struct FileSet {
  BytePath path;  // an absolute directory; ${NAME} and $NAME stand for environment variables of the
                  // writer
  BytePath pattern;  // a file name with ? and *; "*" may match nothing, a literal name must exist
  bool recursive = false;
  std::optional<BytePath> alternate_path;  // read from here at backup; restore still goes to `path`
  TypeMask mask;
  bool is_log = false;  // a database component's log files, as opposed to its data files
  UnknownFields unknown;
  friend bool operator==(const FileSet&, const FileSet&) = default;
};

// Names a component within one writer: logical path and name, '/'-separated, root is empty.
struct ComponentName {
  std::string logical_path;  // "Stores/EU"; no leading or trailing slash
  std::string name;          // never empty, no slash

  // "Stores/EU/Mailbox": what users type and read.
  std::string full() const { return logical_path.empty() ? name : logical_path + "/" + name; }
  friend auto operator<=>(const ComponentName&, const ComponentName&) = default;
};

struct Dependency {
  WriterClassId writer_class;
  ComponentName component;
  std::string host;  // empty: this machine
  UnknownFields unknown;
  friend bool operator==(const Dependency&, const Dependency&) = default;
};

struct Component {
  ComponentType type = ComponentType::file_group;
  ComponentName name;
  std::string caption;             // for people; may hold anything
  std::vector<std::uint8_t> icon;  // a picture file's bytes
  bool selectable_for_backup = true;
  bool selectable_for_restore = false;
  bool backup_recovery = false;    // needs a writable snapshot in post_snapshot()
  bool rollback_recovery = false;  // the same, for snapshots taken to roll back to
  bool not_system_state = false;
  std::vector<FileSet> files;  // may be empty: the head of a component set
  std::vector<Dependency> dependencies;
  UnknownFields unknown;
  friend bool operator==(const Component&, const Component&) = default;
};

enum class RestoreMethod {
  restore_if_not_there = 1,
  restore_if_can_replace = 2,
  stop_restore_start = 3,
  restore_to_alternate_location = 4,
  restore_at_reboot = 5,
  restore_at_reboot_if_cannot_replace = 6,
  custom = 7,
  restore_stop_start = 8,
};

enum class RestoreEvents { never = 1, if_replace_fails = 2, always = 3 };

struct RestorePolicy {
  RestoreMethod method = RestoreMethod::restore_if_can_replace;
  std::string service;         // for the two stop/start methods
  std::string user_procedure;  // what a person must do, for `custom`
  RestoreEvents events = RestoreEvents::always;
  bool reboot_required = false;
  UnknownFields unknown;
  friend bool operator==(const RestorePolicy&, const RestorePolicy&) = default;
};

// Backup types and restore features a writer promises. Full backup needs no bit. Values are those
// of VSS.
struct BackupSchema {
  static constexpr std::uint32_t kDifferential = 0x0001, kIncremental = 0x0002,
                                 kExclusiveIncrementalDifferential = 0x0004, kLog = 0x0008,
                                 kCopy = 0x0010, kTimestamped = 0x0020, kLastModify = 0x0040,
                                 kLsn = 0x0080, kNewTarget = 0x0100, kRestoreWithMove = 0x0200,
                                 kIndependentSystemState = 0x0400, kRollForward = 0x1000,
                                 kRestoreRename = 0x2000, kAuthoritativeRestore = 0x4000,
                                 kParallelRestores = 0x8000;
  std::uint32_t bits = kCopy;
  bool has(std::uint32_t bit) const noexcept { return (bits & bit) != 0; }
  friend bool operator==(const BackupSchema&, const BackupSchema&) = default;
};

struct ExcludedFiles {
  BytePath path;
  BytePath pattern;
  bool recursive = false;
  UnknownFields unknown;
  friend bool operator==(const ExcludedFiles&, const ExcludedFiles&) = default;
};

// Where a file set may go at restore when its own place cannot take it. Names a file set of some
// component by its path, pattern and recursion, exactly.
struct AlternateMapping {
  BytePath path;
  BytePath pattern;
  bool recursive = false;
  BytePath destination;
  UnknownFields unknown;
  friend bool operator==(const AlternateMapping&, const AlternateMapping&) = default;
};

// What a writer can do, said once when it registers.
enum class Capability : std::uint32_t {
  snapshot = 1u << 0,        // prepare_snapshot, freeze, thaw, post_snapshot, abort
  streaming = 1u << 1,       // open_stream, read, close
  logs = 1u << 2,            // list_logs, truncate_logs
  restore_events = 1u << 3,  // pre_restore, post_restore, restore_end
  staged_restore = 1u << 4,  // restore_prepare .. restore_complete
  verify = 1u << 5,          // verify
};

struct Capabilities {
  std::uint32_t bits = static_cast<std::uint32_t>(Capability::snapshot);
  bool has(Capability c) const noexcept { return (bits & static_cast<std::uint32_t>(c)) != 0; }
  Capabilities& add(Capability c) noexcept {
    bits |= static_cast<std::uint32_t>(c);
    return *this;
  }
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

// Who a writer is. Constant for the life of the writer object.
struct WriterIdentity {
  WriterClassId class_id;
  std::string name;  // "Orders database"; not localised
  std::string
      instance_name;  // tells instances of one class apart, across restarts; unique per machine
  Version version;
  UsageType usage = UsageType::user_data;
  SourceType source = SourceType::other;
  FreezeLevel level = FreezeLevel::front_end;
  Capabilities capabilities;
  std::optional<std::chrono::milliseconds>
      hold_limit;  // lowers the set's hold limit for this writer
  friend bool operator==(const WriterIdentity&, const WriterIdentity&) = default;
};

// Which process a writer runs in; filled in by the transport, never by the writer.
struct WriterProcess {
  std::int64_t pid = 0;
  std::int64_t uid = 0;
  BytePath executable;
  std::string unit;  // systemd unit, when there is one
  std::string user;
  friend bool operator==(const WriterProcess&, const WriterProcess&) = default;
};

struct WriterMetadata {
  WriterIdentity identity;
  WriterInstanceId instance;
  WriterProcess process;
  RestorePolicy restore;
  BackupSchema schema;
  std::vector<Component> components;
  std::vector<ExcludedFiles> exclude;                // never backed up; beats every component
  std::vector<ExcludedFiles> exclude_from_snapshot;  // deleted from the snapshot in post_snapshot()
  std::vector<AlternateMapping> alternate_mappings;
  UnknownFields unknown;
  friend bool operator==(const WriterMetadata&, const WriterMetadata&) = default;
};

}  // namespace stillframe

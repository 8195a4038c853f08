// The backup document: what one backup or restore is about. The requestor owns it; writers edit the
// fields marked "writer" while they answer a verb, and only of their own components. It lists
// explicit components only: members of a component set are reached through their head. Stored
// beside the data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// Byte ranges of one file that stand in for the whole file.
struct PartialFile {
  BytePath path;  // directory
  BytePath name;
  std::vector<ByteRange> ranges;
  BytePath ranges_file;  // instead of `ranges`: u64 count, then count pairs of u64 offset, length;
                         // little endian
  std::string metadata;  // private to the writer, verified by it after a restore
  UnknownFields unknown;
  friend bool operator==(const PartialFile&, const PartialFile&) = default;
};

// Files to copy only when modified after `since`; without `since` the requestor uses its own
// record.
struct DifferencedFiles {
  BytePath path;
  BytePath pattern;
  bool recursive = false;
  std::optional<WallTime> since;
  UnknownFields unknown;
  friend bool operator==(const DifferencedFiles&, const DifferencedFiles&) = default;
};

struct DirectedTarget {
  BytePath source_path, source_name;
  std::vector<ByteRange> source_ranges;
  BytePath destination_path, destination_name;
  std::vector<ByteRange> destination_ranges;
  UnknownFields unknown;
  friend bool operator==(const DirectedTarget&, const DirectedTarget&) = default;
};

// A place the requestor chose for a file set, in place of its own. Needs BackupSchema::kNewTarget.
struct NewTarget {
  BytePath path;
  BytePath pattern;
  bool recursive = false;
  BytePath destination;
  UnknownFields unknown;
  friend bool operator==(const NewTarget&, const NewTarget&) = default;
};

// What a requestor does when a component cannot be had application-consistently.
enum class ConsistencyPolicy { require = 0, allow_degraded = 1, skip = 2 };

struct ComponentFailure {
  int code = 0;              // an Errc number
  int application_code = 0;  // the writer's own
  std::string message;
  std::string phase;  // the verb during which it was set
  friend bool operator==(const ComponentFailure&, const ComponentFailure&) = default;
};

enum class RestoreTarget { original = 1, alternate = 2, directed = 3, original_location = 4 };
enum class FileRestoreStatus { undefined = 0, none = 1, all = 2, failed = 3 };
enum class RollForward { none = 1, all = 2, partial = 3 };

// A backup's position in a chain of backups of one component.
struct ChainBase {
  BackupId backup;    // the backup this one builds on
  std::string stamp;  // that backup's stamp
  std::string owner;  // which requestor keeps the chain, such as "stillframe@host"
  friend bool operator==(const ChainBase&, const ChainBase&) = default;
};

struct ComponentRestore {
  bool selected = false;
  std::vector<ComponentName> subcomponents;  // only these members of the set; empty: all
  WriterInstanceId target_instance;          // nil: the live instance of the same name
  std::string options;                       // requestor: "name"="value" list
  std::vector<NewTarget> new_targets;        // requestor
  bool additional_restores = false;          // requestor: more follow, delay recovery
  std::optional<RollForward> roll_forward;   // requestor
  std::string roll_forward_point;
  std::string restore_name;                                 // requestor
  bool authoritative = false;                               // requestor
  RestoreTarget target = RestoreTarget::original;           // writer, in pre_restore
  std::vector<DirectedTarget> directed_targets;             // writer, in pre_restore
  std::string metadata;                                     // writer, pre_restore to post_restore
  FileRestoreStatus status = FileRestoreStatus::undefined;  // requestor
  std::vector<AlternateMapping> mappings_used;              // requestor
  std::vector<std::pair<BytePath, BytePath>> moved_ranges_files;  // requestor: old path, new path
  UnknownFields unknown;
  friend bool operator==(const ComponentRestore&, const ComponentRestore&) = default;
};

struct BackupComponent {
  WriterClassId writer_class;
  WriterInstanceId writer_instance;
  std::string instance_name;
  ComponentType type = ComponentType::file_group;
  ComponentName name;
  ConsistencyPolicy policy = ConsistencyPolicy::require;  // requestor
  std::string options;                                    // requestor, before prepare_backup
  std::optional<ChainBase> base;                          // requestor: what this backup builds on
  std::string stamp;                                      // writer: prepare_backup or post_snapshot
  std::string metadata;                                   // writer: handed back to it at restore
  std::vector<PartialFile> partial_files;                 // writer
  std::vector<DifferencedFiles> differenced_files;        // writer
  std::vector<ComponentFailure> failures;                 // writer
  bool succeeded =
      false;  // requestor, before backup_complete; true only if every file of it was published
  std::optional<ComponentRestore> restore;
  UnknownFields unknown;
  friend bool operator==(const BackupComponent&, const BackupComponent&) = default;
};

struct BackupDocument {
  SessionId session;
  BackupId backup;
  SetId set;  // nil when nothing was snapshotted
  BackupType type = BackupType::full;
  bool component_mode = true;  // false: whole volumes with every writer
  bool bootable_system_state = false;
  bool partial_file_support = false;
  bool restore_mode = false;
  std::string chain_owner;
  std::vector<BackupComponent> components;
  UnknownFields unknown;
  friend bool operator==(const BackupDocument&, const BackupDocument&) = default;
};

}  // namespace stillframe

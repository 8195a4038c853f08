#include "writers/ese/format/backup_stamp.hpp"

namespace stillframe::ese {

namespace {

void stamp(BackupInfo& info, BackupKind& kind, const BackupRecord2& record) {
  info = record.info;
  kind = static_cast<BackupKind>(record.kind);
}

}  // namespace

std::string_view name_of(BackupScope scope) noexcept {
  switch (scope) {
    case BackupScope::full:
      return "full";
    case BackupScope::incremental:
      return "incremental";
    case BackupScope::copy:
      return "copy";
    case BackupScope::differential:
      return "differential";
  }
  return "unknown";
}

BackupScope backup_scope(bool logs_only, bool truncated) {
  if (logs_only) return truncated ? BackupScope::incremental : BackupScope::differential;
  return truncated ? BackupScope::full : BackupScope::copy;
}

BackupRecord2 backup_record(BackupPhase phase, BackupKind kind, BackupScope scope,
                            const BackupInfo& info, Dbid database) {
  BackupRecord2 record;
  record.phase = static_cast<std::uint8_t>(phase);
  record.kind = static_cast<std::uint32_t>(kind);
  record.scope = static_cast<std::uint8_t>(scope);
  record.dbid = database;
  record.info = info;
  return record;
}

void stamp_backup(DatabaseHeader& header, const BackupRecord2& record) {
  const auto newer = [&](const BackupInfo& stored) { return stored.mark > record.info.mark; };
  switch (BackupScope{record.scope}) {
    case BackupScope::full:
      if (newer(header.full_previous)) return;
      stamp(header.full_previous, header.full_kind, record);
      header.incremental_previous = header.differential_previous = BackupInfo{};
      header.incremental_kind = header.differential_kind = BackupKind::streaming;
      if (header.full_kind == BackupKind::streaming) header.snapshot_current = BackupInfo{};
      return;
    case BackupScope::incremental:
      if (newer(header.incremental_previous)) return;
      stamp(header.incremental_previous, header.incremental_kind, record);
      return;
    case BackupScope::copy:
      if (newer(header.copy_previous)) return;
      stamp(header.copy_previous, header.copy_kind, record);
      return;
    case BackupScope::differential:
      if (newer(header.differential_previous)) return;
      stamp(header.differential_previous, header.differential_kind, record);
      return;
  }
}

void forget_backups(DatabaseHeader& header) {
  header.full_previous = header.incremental_previous = BackupInfo{};
  header.copy_previous = header.differential_previous = BackupInfo{};
  header.full_kind = header.incremental_kind = BackupKind::streaming;
  header.copy_kind = header.differential_kind = BackupKind::streaming;
}

}  // namespace stillframe::ese

#include "framework/model/enum_names.hpp"

namespace stillframe {
namespace {

constexpr EnumName<UsageType> kUsageType[] = {
    {UsageType::bootable_system_state, "bootable_system_state"},
    {UsageType::system_service, "system_service"},
    {UsageType::user_data, "user_data"},
    {UsageType::other, "other"},
};

constexpr EnumName<SourceType> kSourceType[] = {
    {SourceType::transacted_db, "transacted_db"},
    {SourceType::nontransacted_db, "nontransacted_db"},
    {SourceType::other, "other"},
};

constexpr EnumName<FreezeLevel> kFreezeLevel[] = {
    {FreezeLevel::front_end, "front_end"},
    {FreezeLevel::back_end, "back_end"},
    {FreezeLevel::system, "system"},
};

constexpr EnumName<ComponentType> kComponentType[] = {
    {ComponentType::database, "database"},
    {ComponentType::file_group, "file_group"},
};

constexpr EnumName<BackupType> kBackupType[] = {
    {BackupType::full, "full"},
    {BackupType::incremental, "incremental"},
    {BackupType::differential, "differential"},
    {BackupType::log, "log"},
    {BackupType::copy, "copy"},
    {BackupType::other, "other"},
};

constexpr EnumName<RestoreMethod> kRestoreMethod[] = {
    {RestoreMethod::restore_if_not_there, "restore_if_not_there"},
    {RestoreMethod::restore_if_can_replace, "restore_if_can_replace"},
    {RestoreMethod::stop_restore_start, "stop_restore_start"},
    {RestoreMethod::restore_to_alternate_location, "restore_to_alternate_location"},
    {RestoreMethod::restore_at_reboot, "restore_at_reboot"},
    {RestoreMethod::restore_at_reboot_if_cannot_replace, "restore_at_reboot_if_cannot_replace"},
    {RestoreMethod::custom, "custom"},
    {RestoreMethod::restore_stop_start, "restore_stop_start"},
};

constexpr EnumName<RestoreEvents> kRestoreEvents[] = {
    {RestoreEvents::never, "never"},
    {RestoreEvents::if_replace_fails, "if_replace_fails"},
    {RestoreEvents::always, "always"},
};

constexpr EnumName<ConsistencyPolicy> kConsistencyPolicy[] = {
    {ConsistencyPolicy::require, "require"},
    {ConsistencyPolicy::allow_degraded, "allow-degraded"},
    {ConsistencyPolicy::skip, "skip"},
};

constexpr EnumName<RestoreTarget> kRestoreTarget[] = {
    {RestoreTarget::original, "original"},
    {RestoreTarget::alternate, "alternate"},
    {RestoreTarget::directed, "directed"},
    {RestoreTarget::original_location, "original_location"},
};

constexpr EnumName<FileRestoreStatus> kFileRestoreStatus[] = {
    {FileRestoreStatus::undefined, "undefined"},
    {FileRestoreStatus::none, "none"},
    {FileRestoreStatus::all, "all"},
    {FileRestoreStatus::failed, "failed"},
};

constexpr EnumName<RollForward> kRollForward[] = {
    {RollForward::none, "none"},
    {RollForward::all, "all"},
    {RollForward::partial, "partial"},
};

constexpr EnumName<Consistency> kConsistency[] = {
    {Consistency::application_consistent, "application-consistent"},
    {Consistency::application_asserted, "application-asserted"},
    {Consistency::crash_consistent, "crash-consistent"},
    {Consistency::fuzzy, "fuzzy"},
    {Consistency::failed, "failed"},
};

constexpr EnumName<Atomicity> kAtomicity[] = {
    {Atomicity::set, "set"},
    {Atomicity::volume, "volume"},
    {Atomicity::file, "file"},
};

constexpr EnumName<VerifyVerdict> kVerifyVerdict[] = {
    {VerifyVerdict::good, "good"},
    {VerifyVerdict::damaged, "damaged"},
    {VerifyVerdict::not_checked, "not_checked"},
};

constexpr EnumName<SnapshotState> kSnapshotState[] = {
    {SnapshotState::preparing, "preparing"}, {SnapshotState::prepared, "prepared"},
    {SnapshotState::committed, "committed"}, {SnapshotState::created, "created"},
    {SnapshotState::aborted, "aborted"},     {SnapshotState::deleted, "deleted"},
};

constexpr EnumName<WriterState> kWriterState[] = {
    {WriterState::unknown, "unknown"},
    {WriterState::stable, "stable"},
    {WriterState::waiting_for_freeze, "waiting_for_freeze"},
    {WriterState::waiting_for_thaw, "waiting_for_thaw"},
    {WriterState::waiting_for_post_snapshot, "waiting_for_post_snapshot"},
    {WriterState::waiting_for_backup_complete, "waiting_for_backup_complete"},
    {WriterState::failed_at_identify, "failed_at_identify"},
    {WriterState::failed_at_prepare_backup, "failed_at_prepare_backup"},
    {WriterState::failed_at_prepare_snapshot, "failed_at_prepare_snapshot"},
    {WriterState::failed_at_freeze, "failed_at_freeze"},
    {WriterState::failed_at_thaw, "failed_at_thaw"},
    {WriterState::failed_at_post_snapshot, "failed_at_post_snapshot"},
    {WriterState::failed_at_backup_complete, "failed_at_backup_complete"},
    {WriterState::failed_at_pre_restore, "failed_at_pre_restore"},
    {WriterState::failed_at_post_restore, "failed_at_post_restore"},
    {WriterState::failed_at_shutdown, "failed_at_shutdown"},
};

constexpr EnumName<PluginState> kPluginState[] = {
    {PluginState::running, "running"},
    {PluginState::waiting, "waiting"},
    {PluginState::quarantined, "quarantined"},
    {PluginState::stopped, "stopped"},
};

constexpr EnumName<InterlockRecord::State> kInterlockState[] = {
    {InterlockRecord::State::registered, "registered"},
    {InterlockRecord::State::copied, "copied"},
    {InterlockRecord::State::failed, "failed"},
    {InterlockRecord::State::recovered, "recovered"},
};

}  // namespace

std::span<const EnumName<UsageType>> enum_names(UsageType) noexcept {
  return kUsageType;
}
std::span<const EnumName<SourceType>> enum_names(SourceType) noexcept {
  return kSourceType;
}
std::span<const EnumName<FreezeLevel>> enum_names(FreezeLevel) noexcept {
  return kFreezeLevel;
}
std::span<const EnumName<ComponentType>> enum_names(ComponentType) noexcept {
  return kComponentType;
}
std::span<const EnumName<BackupType>> enum_names(BackupType) noexcept {
  return kBackupType;
}
std::span<const EnumName<RestoreMethod>> enum_names(RestoreMethod) noexcept {
  return kRestoreMethod;
}
std::span<const EnumName<RestoreEvents>> enum_names(RestoreEvents) noexcept {
  return kRestoreEvents;
}
std::span<const EnumName<ConsistencyPolicy>> enum_names(ConsistencyPolicy) noexcept {
  return kConsistencyPolicy;
}
std::span<const EnumName<RestoreTarget>> enum_names(RestoreTarget) noexcept {
  return kRestoreTarget;
}
std::span<const EnumName<FileRestoreStatus>> enum_names(FileRestoreStatus) noexcept {
  return kFileRestoreStatus;
}
std::span<const EnumName<RollForward>> enum_names(RollForward) noexcept {
  return kRollForward;
}
std::span<const EnumName<Consistency>> enum_names(Consistency) noexcept {
  return kConsistency;
}
std::span<const EnumName<Atomicity>> enum_names(Atomicity) noexcept {
  return kAtomicity;
}
std::span<const EnumName<VerifyVerdict>> enum_names(VerifyVerdict) noexcept {
  return kVerifyVerdict;
}
std::span<const EnumName<SnapshotState>> enum_names(SnapshotState) noexcept {
  return kSnapshotState;
}
std::span<const EnumName<WriterState>> enum_names(WriterState) noexcept {
  return kWriterState;
}
std::span<const EnumName<PluginState>> enum_names(PluginState) noexcept {
  return kPluginState;
}
std::span<const EnumName<InterlockRecord::State>> enum_names(InterlockRecord::State) noexcept {
  return kInterlockState;
}

std::string_view to_string(WriterState state) noexcept {
  return enum_name(state);
}
std::string_view to_string(PluginState state) noexcept {
  return enum_name(state);
}

}  // namespace stillframe

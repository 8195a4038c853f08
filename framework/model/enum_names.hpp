// The names of the enumerators, as documents, messages and the command line spell them. They never
// change.
#pragma once

#include <span>
#include <string_view>

#include <stillframe/requestor.hpp>
#include <stillframe/writer_host.hpp>

namespace stillframe {

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

// One table a type; the argument only chooses the table.
std::span<const EnumName<UsageType>> enum_names(UsageType) noexcept;
std::span<const EnumName<SourceType>> enum_names(SourceType) noexcept;
std::span<const EnumName<FreezeLevel>> enum_names(FreezeLevel) noexcept;
std::span<const EnumName<ComponentType>> enum_names(ComponentType) noexcept;
std::span<const EnumName<BackupType>> enum_names(BackupType) noexcept;
std::span<const EnumName<RestoreMethod>> enum_names(RestoreMethod) noexcept;
std::span<const EnumName<RestoreEvents>> enum_names(RestoreEvents) noexcept;
std::span<const EnumName<ConsistencyPolicy>> enum_names(ConsistencyPolicy) noexcept;
std::span<const EnumName<RestoreTarget>> enum_names(RestoreTarget) noexcept;
std::span<const EnumName<FileRestoreStatus>> enum_names(FileRestoreStatus) noexcept;
std::span<const EnumName<RollForward>> enum_names(RollForward) noexcept;
std::span<const EnumName<Consistency>> enum_names(Consistency) noexcept;
std::span<const EnumName<Atomicity>> enum_names(Atomicity) noexcept;
std::span<const EnumName<VerifyVerdict>> enum_names(VerifyVerdict) noexcept;
std::span<const EnumName<SnapshotState>> enum_names(SnapshotState) noexcept;
std::span<const EnumName<WriterState>> enum_names(WriterState) noexcept;
std::span<const EnumName<PluginState>> enum_names(PluginState) noexcept;
std::span<const EnumName<InterlockRecord::State>> enum_names(InterlockRecord::State) noexcept;

template <class E>
concept NamedEnum = requires(E e) {
  enum_names(e);
};

// "undefined" for a value that is none of the enumerators.
template <NamedEnum E>
std::string_view enum_name(E value) noexcept {
  for (const auto& row : enum_names(value)) {
    if (row.value == value) return row.name;
  }
  return "undefined";
}

template <NamedEnum E>
bool is_enumerator(E value) noexcept {
  for (const auto& row : enum_names(value)) {
    if (row.value == value) return true;
  }
  return false;
}

// invalid_argument, listing the names there are.
template <NamedEnum E>
Result<E> parse_enum(std::string_view name) {
  std::string known;
  for (const auto& row : enum_names(E{})) {
    if (row.name == name) return row.value;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  constexpr std::size_t kShownBytesMax = 40;
  return Error(Errc::invalid_argument,
               "'" + escape_path(name.substr(0, kShownBytesMax)) + "' is none of " + known);
}

}  // namespace stillframe

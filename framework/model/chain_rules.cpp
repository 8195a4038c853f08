#include "framework/model/chain_rules.hpp"

#include <algorithm>

#include "framework/model/enum_names.hpp"

namespace stillframe {
namespace {

// The type that an exclusive writer rules out beside `type`; `type` itself where there is none.
BackupType rival_of(BackupType type) noexcept {
  switch (type) {
    case BackupType::incremental:
      return BackupType::differential;
    case BackupType::differential:
      return BackupType::incremental;
    case BackupType::full:
    case BackupType::log:
    case BackupType::copy:
    case BackupType::other:
      break;
  }
  return type;
}

}  // namespace

bool can_be_built_on(BackupType type, BackupType wanted) noexcept {
  if (type == BackupType::full) return true;
  return wanted != BackupType::differential &&
         (type == BackupType::incremental || type == BackupType::log);
}

Status check_chain_mix(const BackupSchema& schema, BackupType wanted,
                       std::span<const BackupType> since_full) {
  const BackupType rival = rival_of(wanted);
  if (!schema.has(BackupSchema::kExclusiveIncrementalDifferential) || rival == wanted) return Ok{};
  if (std::find(since_full.begin(), since_full.end(), rival) == since_full.end()) return Ok{};
  const std::string was(enum_name(rival)), is(enum_name(wanted));
  return Error(Errc::chain_broken, "there is a " + was +
                                       " backup since the last full one, and the writer never "
                                       "mixes the two; take a full backup, or another " +
                                       was + " one in place of the " + is + " one");
}

}  // namespace stillframe

#include "writers/ese/recovery/quiet_position.hpp"

#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kLevelOfBegin = 0xF;
constexpr unsigned kLevelsBegun = 4;

int level_after_begin(std::uint8_t levels) {
  return (levels & kLevelOfBegin) + (levels >> kLevelsBegun);
}

}  // namespace

void OpenWork::follow(const LogRecord& record) {
  switch (record.type()) {
    case RecordType::begin0: {
      const auto begin = decode<LevelRecord0>(record.bytes);
      levels_[begin.procid] = level_after_begin(begin.levels);
      break;
    }
    case RecordType::begin: {
      const auto begin = decode<LevelRecord>(record.bytes);
      levels_[begin.procid] = level_after_begin(begin.levels);
      break;
    }
    case RecordType::commit0:
      levels_.erase(decode<LevelRecord0>(record.bytes).procid);
      break;
    case RecordType::rollback: {
      const auto rollback = decode<LevelRecord>(record.bytes);
      const auto level = levels_.find(rollback.procid);
      if (level == levels_.end()) break;
      level->second -= rollback.levels;
      if (level->second <= 0) levels_.erase(level);
      break;
    }
    case RecordType::macro_begin: {
      const auto macro = decode<MacroRecord>(record.bytes);
      macros_.emplace(macro.procid, macro.dbtime);
      break;
    }
    case RecordType::macro_commit:
    case RecordType::macro_abort: {
      const auto macro = decode<MacroRecord>(record.bytes);
      macros_.erase({macro.procid, macro.dbtime});
      break;
    }
    case RecordType::create_db:
      creations_.insert(decode<CreateDbRecord>(record.bytes).dbid);
      break;
    case RecordType::create_db_finish:
      creations_.erase(decode<CreateDbFinishRecord>(record.bytes).dbid);
      break;
    case RecordType::recovery_undo:
    case RecordType::recovery_undo2:
      undoing_ = true;
      break;
    case RecordType::init:
    case RecordType::init2:
    case RecordType::term:
    case RecordType::term2:
    case RecordType::recovery_quit:
    case RecordType::recovery_quit2:
    case RecordType::recovery_quit_keep_attachments:
      *this = OpenWork();
      break;
    default:  // begins and ends nothing
      break;
  }
}

Result<std::optional<QuietPosition>> find_quiet_position(Files& files,
                                                         const RecoveryOptions& options,
                                                         const RecoveryPlan& plan) {
  LogReader reader(
      [&](Generation generation, bool last) {
        return read_planned(files, options, plan.logs, generation, last);
      },
      plan.start.generation, plan.last, plan.start);
  OpenWork open;
  std::optional<QuietPosition> quiet;
  for (std::uint64_t records = 1;; ++records) {
    const auto record = reader.next();
    if (!record.ok()) return record.error();
    if (!record.value()) return quiet;
    open.follow(*record.value());
    if (!open.none()) continue;
    const LogHeader& log = reader.generation()->header().fields;
    quiet = QuietPosition{records, log.generation, log.created};
  }
}

}  // namespace stillframe::ese

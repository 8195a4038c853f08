#include "writers/ese/format/record_types.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr LengthField u16_at(std::uint8_t offset) {
  return {offset, 2, 0xFFFF};
}
constexpr LengthField low15_at(std::uint8_t offset) {
  return {offset, 2, 0x7FFF};  // bit 15 says how a difference is written
}
// A bit whose value is the length of what it announces.
constexpr LengthField bit_at(std::uint8_t offset, std::uint16_t bit) {
  return {offset, 1, bit};
}
constexpr LengthField u32_at(std::uint8_t offset) {
  return {offset, 4, 0xFFFF};
}

constexpr RecordKind kKinds[] = {
    {RecordType::nop, "NOP", 1, RecordClass::information},
    {RecordType::init, "Init", 568, RecordClass::transaction},
    {RecordType::term, "Term", 18, RecordClass::transaction},
    {RecordType::multi_sector, "MultiSector", 9, RecordClass::information},
    {RecordType::end, "End", 1, RecordClass::information},
    {RecordType::begin, "Begin", 4, RecordClass::transaction},
    {RecordType::commit, "Commit", 4, RecordClass::transaction},
    {RecordType::rollback, "Rollback", 4, RecordClass::transaction},
    {RecordType::begin0, "Begin0", 8, RecordClass::transaction},
    {RecordType::commit0, "Commit0", 8, RecordClass::transaction},
    {RecordType::refresh, "Refresh", 7, RecordClass::transaction},
    {RecordType::macro_begin, "MacroBegin", 11, RecordClass::macro},
    {RecordType::macro_commit, "MacroCommit", 11, RecordClass::macro},
    {RecordType::macro_abort, "MacroAbort", 11, RecordClass::macro},
    {RecordType::create_db, "CreateDB", 43, RecordClass::database, {{u16_at(40), bit_at(42, 4)}}},
    {RecordType::attach_db, "AttachDB", 75, RecordClass::database, {{u16_at(72)}}},
    {RecordType::detach_db, "DetachDB", 7, RecordClass::database, {{u16_at(4)}}},
    {RecordType::recovery_undo, "RecoveryUndo", 1, RecordClass::transaction},
    {RecordType::recovery_quit, "RecoveryQuit", 18, RecordClass::transaction},
    {RecordType::full_backup, "FullBackup", 3, RecordClass::information, {{u16_at(1)}}},
    {RecordType::incremental_backup,
     "IncrementalBackup",
     3,
     RecordClass::information,
     {{u16_at(1)}}},
    {RecordType::jet_op, "JetOp", 4, RecordClass::information},
    {RecordType::trace, "Trace", 5, RecordClass::information, {{u16_at(3)}}},
    {RecordType::shutdown_mark, "ShutDownMark", 1, RecordClass::database},
    {RecordType::create_multiple_extent_fdp, "CreateMultipleExtentFDP", 56, RecordClass::page},
    {RecordType::create_single_extent_fdp, "CreateSingleExtentFDP", 48, RecordClass::page},
    {RecordType::convert_fdp, "ConvertFDP", 60, RecordClass::refused},
    {RecordType::split,
     "Split",
     102,
     RecordClass::refused,
     {{u16_at(96), u16_at(98), u16_at(100)}}},
    {RecordType::merge, "Merge", 88, RecordClass::refused, {{u16_at(86)}}},
    {RecordType::insert, "Insert", 50, RecordClass::page, {{u16_at(44), u16_at(46), u16_at(48)}}},
    {RecordType::flag_insert, "FlagInsert", 48, RecordClass::page, {{u16_at(44), u16_at(46)}}},
    {RecordType::flag_insert_and_replace,
     "FlagInsertAndReplaceData",
     52,
     RecordClass::page,
     {{u16_at(44), u16_at(46)}}},
    {RecordType::flag_delete, "FlagDelete", 44, RecordClass::page},
    {RecordType::replace, "Replace", 50, RecordClass::page, {{low15_at(44)}}},
    {RecordType::replace_diff, "ReplaceD", 50, RecordClass::page, {{low15_at(44)}}},
    {RecordType::remove, "Delete", 44, RecordClass::page},
    {RecordType::undo_info,
     "UndoInfo",
     56,
     RecordClass::transaction,
     {{u16_at(44), u16_at(46), u16_at(54)}}},
    {RecordType::delta, "Delta", 54, RecordClass::page, {{u16_at(44), u16_at(46)}}},
    {RecordType::set_external_header, "SetExternalHeader", 46, RecordClass::page, {{u16_at(44)}}},
    {RecordType::undo, "Undo", 51, RecordClass::page, {{u16_at(44), u16_at(46)}}},
    {RecordType::checksum, "Checksum", 22, RecordClass::framing},
    {RecordType::external_restore, "ExtRestore", 3, RecordClass::information, {{u16_at(1)}}},
    {RecordType::backup, "Backup", 5, RecordClass::information, {{u16_at(3)}}},
    {RecordType::empty_tree, "EmptyTree", 46, RecordClass::page, {{u16_at(44)}}},
    {RecordType::init2, "Init2", 576, RecordClass::transaction},
    {RecordType::term2, "Term2", 26, RecordClass::transaction},
    {RecordType::recovery_undo2, "RecoveryUndo2", 9, RecordClass::transaction},
    {RecordType::recovery_quit2, "RecoveryQuit2", 26, RecordClass::transaction},
    {RecordType::begin_distributed, "BeginDT", 8, RecordClass::transaction},
    {RecordType::prepare_commit, "PrepareCommit", 7, RecordClass::transaction, {{u32_at(3)}}},
    {RecordType::prepare_rollback, "PrepareRollback", 3, RecordClass::transaction},
    {RecordType::force_write_log, "ForceWriteLog", 3, RecordClass::information},
    {RecordType::convert_fdp2, "ConvertFDP2", 68, RecordClass::page},
    {RecordType::external_restore2, "ExtRestore2", 3, RecordClass::information, {{u16_at(1)}}},
    {RecordType::backup2, "Backup2", 35, RecordClass::database, {{u16_at(33)}}},
    {RecordType::force_log_rollover,
     "ForceLogRollover",
     5,
     RecordClass::information,
     {{u16_at(3)}}},
    {RecordType::split2,
     "Split2",
     110,
     RecordClass::page,
     {{u16_at(96), u16_at(98), u16_at(100), u32_at(106)}}},
    {RecordType::merge2, "Merge2", 96, RecordClass::page, {{u16_at(86), u32_at(92)}}},
    {RecordType::scrub, "Scrub", 54, RecordClass::page, {{u16_at(52)}}},
    {RecordType::page_move, "PageMove", 96, RecordClass::page, {{u32_at(88), u32_at(92)}}},
    {RecordType::page_patch_request, "PagePatchRequest", 46, RecordClass::information},
    {RecordType::macro_info, "MacroInfo", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::extend_db, "ExtendDB", 5, RecordClass::database, {{u32_at(1)}}},
    {RecordType::commit_context, "CommitContext", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::scan_check, "ScanCheck", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::nop2, "NOP2", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::reattach, "ReAttach", 5, RecordClass::database, {{u32_at(1)}}},
    {RecordType::macro_info2, "MacroInfo2", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::free_fdp, "FreeFDP", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_75, "Ignored75", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::fragment_begin, "FragmentBegin", 7, RecordClass::framing, {{u16_at(5)}}},
    {RecordType::fragment, "Fragment", 3, RecordClass::framing, {{u16_at(1)}}},
    {RecordType::shrink_db, "ShrinkDB", 10, RecordClass::database},
    {RecordType::create_db_finish, "CreateDBFinish", 4, RecordClass::database},
    {RecordType::recovery_quit_keep_attachments, "RecoveryQuitKeepAttachments", 26,
     RecordClass::transaction},
    {RecordType::trim_db, "TrimDB", 10, RecordClass::database},
    {RecordType::ignored_82, "Ignored82", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_83, "Ignored83", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_84, "Ignored84", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_85, "Ignored85", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_86, "Ignored86", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_87, "Ignored87", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_88, "Ignored88", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_89, "Ignored89", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_90, "Ignored90", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::ignored_91, "Ignored91", 5, RecordClass::information, {{u32_at(1)}}},
    {RecordType::set_db_version, "SetDbVersion", 14, RecordClass::database},
    {RecordType::delta64, "Delta64", 58, RecordClass::page, {{u16_at(44), u16_at(46)}}},
    {RecordType::shrink_db2, "ShrinkDB2", 10, RecordClass::database},
    {RecordType::new_page, "NewPage", 20, RecordClass::page},
    {RecordType::root_page_move, "RootPageMove", 16, RecordClass::macro},
    {RecordType::signal_attach_db, "SignalAttachDb", 2, RecordClass::information},
    {RecordType::scan_check2, "ScanCheck2", 27, RecordClass::information},
    {RecordType::shrink_db3, "ShrinkDB3", 18, RecordClass::database},
    {RecordType::extent_freed, "ExtentFreed", 11, RecordClass::information},
    {RecordType::extent_freed2, "ExtentFreed2", 19, RecordClass::information},
};

constexpr std::size_t kNumbers = 256;

constexpr auto kRowOfNumber = [] {
  std::array<const RecordKind*, kNumbers> rows{};
  for (const RecordKind& kind : kKinds) rows[static_cast<std::size_t>(kind.type)] = &kind;
  return rows;
}();

std::size_t length_at(Bytes bytes, const LengthField& field) {
  if (field.width == 1) {
    return std::to_integer<std::size_t>(bytes[field.offset]) & field.mask;
  }
  if (field.width == 2) {
    return load_le<std::uint16_t>(bytes.data() + field.offset) & std::size_t{field.mask};
  }
  return field.width == 4 ? load_le<std::uint32_t>(bytes.data() + field.offset) : 0;
}

// The one page record that came so late that it has a shape of its own.
constexpr RecordType kOwnShape = RecordType::new_page;

}  // namespace

std::string_view to_string(RecordClass c) noexcept {
  switch (c) {
    case RecordClass::information:
      return "information";
    case RecordClass::framing:
      return "framing";
    case RecordClass::transaction:
      return "transaction";
    case RecordClass::macro:
      return "macro";
    case RecordClass::page:
      return "page";
    case RecordClass::database:
      return "database";
    case RecordClass::refused:
      return "refused";
  }
  return "unknown";
}

const RecordKind* record_kind(RecordType type) noexcept {
  return kRowOfNumber[static_cast<std::size_t>(type)];
}

const RecordKind* record_kind(std::string_view name) noexcept {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const RecordKind& kind) { return kind.name == name; });
  return row == std::end(kKinds) ? nullptr : row;
}

std::span<const RecordKind> record_kinds() noexcept {
  return kKinds;
}

std::string record_name(RecordType type) {
  const RecordKind* kind = record_kind(type);
  return kind != nullptr ? std::string(kind->name)
                         : "type " + std::to_string(static_cast<unsigned>(type));
}

RecordSpan measure_record(Bytes bytes) noexcept {
  if (bytes.empty()) return {RecordRead::cut, 0};
  const RecordKind* kind = record_kind(static_cast<RecordType>(bytes[0]));
  if (kind == nullptr) return {RecordRead::unknown_type, 0};
  if (bytes.size() < kind->fixed_bytes) return {RecordRead::cut, kind->fixed_bytes};
  std::size_t size = kind->fixed_bytes;
  for (const LengthField& field : kind->lengths) size += length_at(bytes, field);
  // A NOP2 covers what is left of a segment; every other record may be a whole page and more.
  if (size > kRecordBytesMax) return {RecordRead::oversized, size};
  return {size <= bytes.size() ? RecordRead::whole : RecordRead::cut, size};
}

std::string to_text(Lgpos at) {
  char text[32];
  std::snprintf(text, sizeof text, "%X,%X,%X", static_cast<unsigned>(at.generation),
                static_cast<unsigned>(at.isec), static_cast<unsigned>(at.ib));
  return text;
}

Error record_error(RecordRead read, Bytes bytes, std::string_view file, Lgpos at) {
  const auto type = bytes.empty() ? RecordType::nop : static_cast<RecordType>(bytes[0]);
  const std::string where = "log '" + std::string(file) + "': the record at " + to_text(at);
  switch (read) {
    case RecordRead::unknown_type:
      return ese_error(EseErr::bad_log_version,
                       where + " has " + record_name(type) +
                           ", which is not known; it was written by a newer engine");
    case RecordRead::oversized:
      return ese_error(EseErr::log_file_corrupt,
                       where + " (" + record_name(type) + ") says it is longer than any can be");
    case RecordRead::cut:
    case RecordRead::whole:
      break;
  }
  return ese_error(EseErr::log_file_corrupt,
                   where + " (" + record_name(type) + ") ends beyond what holds it");
}

bool has_page_header(RecordType type) noexcept {
  if (type == RecordType::undo_info) return true;  // names a page that it does not change
  const RecordKind* kind = record_kind(type);
  if (kind == nullptr || type == kOwnShape) return false;
  return kind->record_class == RecordClass::page || kind->record_class == RecordClass::refused;
}

}  // namespace stillframe::ese

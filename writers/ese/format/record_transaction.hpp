// Records of runs of the engine, of transactions and of macros.
// docs/formats/log-records.md has the meaning of every field.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/format/record_parts.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Nothing but its type.
struct BareRecord {
  static constexpr std::size_t kBytes = 1;
  static constexpr RecordType kTypes[] = {RecordType::nop, RecordType::end,
                                          RecordType::recovery_undo, RecordType::shutdown_mark};

  RecordType type = RecordType::nop;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
  }

  friend bool operator==(const BareRecord&, const BareRecord&) = default;
};

// The beginning of a run of the engine.
struct InitRecord {
  static constexpr std::size_t kBytes = 568;
  static constexpr RecordType kTypes[] = {RecordType::init};

  RecordType type = RecordType::init;
  LogEnvironment environment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "environment", self.environment);
  }

  friend bool operator==(const InitRecord&, const InitRecord&) = default;
};

struct InitRecord2 {
  static constexpr std::size_t kBytes = 576;
  static constexpr RecordType kTypes[] = {RecordType::init2};

  RecordType type = RecordType::init2;
  LogEnvironment environment;
  LogTime time;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "environment", self.environment);
    visit(568, "time", self.time);
  }

  friend bool operator==(const InitRecord2&, const InitRecord2&) = default;
};

// The orderly end of a run, or of a recovery.
struct QuitRecord {
  static constexpr std::size_t kBytes = 18;
  static constexpr RecordType kTypes[] = {RecordType::term, RecordType::recovery_quit};

  RecordType type = RecordType::term;
  Lgpos position;
  Lgpos redo_from;
  std::uint8_t hard_restore = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "position", self.position);
    visit(9, "redo_from", self.redo_from);
    visit(17, "hard_restore", self.hard_restore);
  }

  friend bool operator==(const QuitRecord&, const QuitRecord&) = default;
};

struct QuitRecord2 {
  static constexpr std::size_t kBytes = 26;
  static constexpr RecordType kTypes[] = {RecordType::term2, RecordType::recovery_quit2,
                                          RecordType::recovery_quit_keep_attachments};

  RecordType type = RecordType::term2;
  Lgpos position;
  Lgpos redo_from;
  std::uint8_t hard_restore = 0;
  LogTime time;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "position", self.position);
    visit(9, "redo_from", self.redo_from);
    visit(17, "hard_restore", self.hard_restore);
    visit(18, "time", self.time);
  }

  friend bool operator==(const QuitRecord2&, const QuitRecord2&) = default;
};

struct RecoveryUndoRecord2 {
  static constexpr std::size_t kBytes = 9;
  static constexpr RecordType kTypes[] = {RecordType::recovery_undo2};

  RecordType type = RecordType::recovery_undo2;
  LogTime time;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "time", self.time);
  }

  friend bool operator==(const RecoveryUndoRecord2&, const RecoveryUndoRecord2&) = default;
};

// Begin: low nibble the level before, high nibble how many are begun. Commit: the level after.
// Rollback: how many levels.
struct LevelRecord {
  static constexpr std::size_t kBytes = 4;
  static constexpr RecordType kTypes[] = {RecordType::begin, RecordType::commit,
                                          RecordType::rollback};

  RecordType type = RecordType::begin;
  Procid procid{};
  std::uint8_t levels = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "levels", self.levels);
  }

  friend bool operator==(const LevelRecord&, const LevelRecord&) = default;
};

struct LevelRecord0 {
  static constexpr std::size_t kBytes = 8;
  static constexpr RecordType kTypes[] = {RecordType::begin0, RecordType::commit0,
                                          RecordType::begin_distributed};

  RecordType type = RecordType::begin0;
  Procid procid{};
  std::uint8_t levels = 0;
  Trx trx{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "levels", self.levels);
    visit(4, "trx", self.trx);
  }

  friend bool operator==(const LevelRecord0&, const LevelRecord0&) = default;
};

struct RefreshRecord {
  static constexpr std::size_t kBytes = 7;
  static constexpr RecordType kTypes[] = {RecordType::refresh};

  RecordType type = RecordType::refresh;
  Procid procid{};
  Trx trx{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "trx", self.trx);
  }

  friend bool operator==(const RefreshRecord&, const RefreshRecord&) = default;
};

// The dbtime is the name of the macro.
struct MacroRecord {
  static constexpr std::size_t kBytes = 11;
  static constexpr RecordType kTypes[] = {RecordType::macro_begin, RecordType::macro_commit,
                                          RecordType::macro_abort};

  RecordType type = RecordType::macro_begin;
  Procid procid{};
  Dbtime dbtime{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbtime", self.dbtime);
  }

  friend bool operator==(const MacroRecord&, const MacroRecord&) = default;
};

struct PrepareCommitRecord {
  static constexpr std::size_t kBytes = 7;
  static constexpr RecordType kTypes[] = {RecordType::prepare_commit};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::prepare_commit;
  Procid procid{};
  std::uint32_t data_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "data_bytes", self.data_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("data", self.data_bytes);
  }

  friend bool operator==(const PrepareCommitRecord&, const PrepareCommitRecord&) = default;
};

struct SessionRecord {
  static constexpr std::size_t kBytes = 3;
  static constexpr RecordType kTypes[] = {RecordType::prepare_rollback,
                                          RecordType::force_write_log};

  RecordType type = RecordType::prepare_rollback;
  Procid procid{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
  }

  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

struct JetOpRecord {
  static constexpr std::size_t kBytes = 4;
  static constexpr RecordType kTypes[] = {RecordType::jet_op};

  RecordType type = RecordType::jet_op;
  Procid procid{};
  std::uint8_t operation = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "operation", self.operation);
  }

  friend bool operator==(const JetOpRecord&, const JetOpRecord&) = default;
};

// Text for people who read the log.
struct NoteRecord {
  static constexpr std::size_t kBytes = 5;
  static constexpr RecordType kTypes[] = {RecordType::trace, RecordType::backup,
                                          RecordType::force_log_rollover};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::trace;
  Procid procid{};
  std::uint16_t text_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "text_bytes", self.text_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("text", self.text_bytes);
  }

  friend bool operator==(const NoteRecord&, const NoteRecord&) = default;
};

struct OldBackupRecord {
  static constexpr std::size_t kBytes = 3;
  static constexpr RecordType kTypes[] = {RecordType::full_backup, RecordType::incremental_backup,
                                          RecordType::external_restore,
                                          RecordType::external_restore2};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::full_backup;
  std::uint16_t path_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "path_bytes", self.path_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("path", self.path_bytes);
  }

  friend bool operator==(const OldBackupRecord&, const OldBackupRecord&) = default;
};

struct MultiSectorRecord {
  static constexpr std::size_t kBytes = 9;
  static constexpr RecordType kTypes[] = {RecordType::multi_sector};

  RecordType type = RecordType::multi_sector;
  std::array<std::uint8_t, 8> contents{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "contents", self.contents);
  }

  friend bool operator==(const MultiSectorRecord&, const MultiSectorRecord&) = default;
};

// Asks other engines for a copy of a page. Nobody but Exchange's replication does.
struct PagePatchRequestRecord {
  static constexpr std::size_t kBytes = 46;
  static constexpr RecordType kTypes[] = {RecordType::page_patch_request};

  RecordType type = RecordType::page_patch_request;
  std::array<std::uint8_t, 45> contents{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "contents", self.contents);
  }

  friend bool operator==(const PagePatchRequestRecord&, const PagePatchRequestRecord&) = default;
};

// The shape that engines skip when they do not know the type.
struct ExtensibleRecord {
  static constexpr std::size_t kBytes = 5;
  static constexpr RecordType kTypes[] = {
      RecordType::macro_info,  RecordType::extend_db,  RecordType::commit_context,
      RecordType::scan_check,  RecordType::nop2,       RecordType::reattach,
      RecordType::macro_info2, RecordType::free_fdp,   RecordType::ignored_75,
      RecordType::ignored_82,  RecordType::ignored_83, RecordType::ignored_84,
      RecordType::ignored_85,  RecordType::ignored_86, RecordType::ignored_87,
      RecordType::ignored_88,  RecordType::ignored_89, RecordType::ignored_90,
      RecordType::ignored_91};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::macro_info;
  std::uint32_t body_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "body_bytes", self.body_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("body", self.body_bytes);
  }

  friend bool operator==(const ExtensibleRecord&, const ExtensibleRecord&) = default;
};

// The first piece of a record that is cut, and how long all of it is.
struct FragmentBeginRecord {
  static constexpr std::size_t kBytes = 7;
  static constexpr RecordType kTypes[] = {RecordType::fragment_begin};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::fragment_begin;
  std::uint32_t whole_bytes = 0;
  std::uint16_t piece_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "whole_bytes", self.whole_bytes);
    visit(5, "piece_bytes", self.piece_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("piece", self.piece_bytes);
  }

  friend bool operator==(const FragmentBeginRecord&, const FragmentBeginRecord&) = default;
};

struct FragmentRecord {
  static constexpr std::size_t kBytes = 3;
  static constexpr RecordType kTypes[] = {RecordType::fragment};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::fragment;
  std::uint16_t piece_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "piece_bytes", self.piece_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("piece", self.piece_bytes);
  }

  friend bool operator==(const FragmentRecord&, const FragmentRecord&) = default;
};

}  // namespace stillframe::ese

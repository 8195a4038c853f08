// The headers that records of pages share, and the records of single nodes.
// docs/formats/log-records.md has the meaning of every field.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/record_parts.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Its first byte is the type, which the record has.
struct PageRecordHeader {
  static constexpr std::size_t kBytes = 32;
  static constexpr std::uint8_t kVersioned = 1, kDeleted = 2, kUnique = 4, kSpace = 8;
  static constexpr std::uint8_t kConcurrent = 0x10, kSystem = 0x20;

  Procid procid{};
  Dbid dbid{};
  Pgno page{};
  Dbtime dbtime{};  // of the page after the change
  Dbtime before{};  // and before it; nil where another record of the macro has it
  Trx trx{};
  std::uint8_t level = 0;
  std::uint16_t line = 0;
  std::uint8_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
    visit(4, "page", self.page);
    visit(8, "dbtime", self.dbtime);
    visit(16, "before", self.before);
    visit(24, "trx", self.trx);
    visit(28, "level", self.level);
    visit(29, "line", self.line);
    visit(31, "flags", self.flags);
  }

  friend bool operator==(const PageRecordHeader&, const PageRecordHeader&) = default;
};

struct NodeRecordHeader {
  static constexpr std::size_t kBytes = 44;

  PageRecordHeader page;
  Rceid rceid{};
  Pgno fdp{};
  Objid objid{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "page", self.page);
    visit(32, "rceid", self.rceid);
    visit(36, "fdp", self.fdp);
    visit(40, "objid", self.objid);
  }

  friend bool operator==(const NodeRecordHeader&, const NodeRecordHeader&) = default;
};

struct InsertRecord {
  static constexpr std::size_t kBytes = 50;
  static constexpr RecordType kTypes[] = {RecordType::insert};
  static constexpr std::size_t kParts = 3;

  RecordType type = RecordType::insert;
  NodeRecordHeader node;
  std::uint16_t suffix_bytes = 0;
  std::uint16_t prefix_bytes = 0;
  std::uint16_t data_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "suffix_bytes", self.suffix_bytes);
    visit(46, "prefix_bytes", self.prefix_bytes);
    visit(48, "data_bytes", self.data_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("prefix", self.prefix_bytes);
    visit("suffix", self.suffix_bytes);
    visit("data", self.data_bytes);
  }

  friend bool operator==(const InsertRecord&, const InsertRecord&) = default;
};

struct FlagInsertRecord {
  static constexpr std::size_t kBytes = 48;
  static constexpr RecordType kTypes[] = {RecordType::flag_insert};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::flag_insert;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t data_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "data_bytes", self.data_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("data", self.data_bytes);
  }

  friend bool operator==(const FlagInsertRecord&, const FlagInsertRecord&) = default;
};

struct FlagInsertAndReplaceRecord {
  static constexpr std::size_t kBytes = 52;
  static constexpr RecordType kTypes[] = {RecordType::flag_insert_and_replace};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::flag_insert_and_replace;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t data_bytes = 0;
  Rceid rceid_replace{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "data_bytes", self.data_bytes);
    visit(48, "rceid_replace", self.rceid_replace);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("data", self.data_bytes);
  }

  friend bool operator==(const FlagInsertAndReplaceRecord&,
                         const FlagInsertAndReplaceRecord&) = default;
};

struct LineRecord {
  static constexpr std::size_t kBytes = 44;
  static constexpr RecordType kTypes[] = {RecordType::flag_delete, RecordType::remove};

  RecordType type = RecordType::flag_delete;
  NodeRecordHeader node;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
  }

  friend bool operator==(const LineRecord&, const LineRecord&) = default;
};

struct ReplaceRecord {
  static constexpr std::size_t kBytes = 50;
  static constexpr RecordType kTypes[] = {RecordType::replace};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::replace;
  NodeRecordHeader node;
  std::uint16_t new_data_bytes = 0;
  std::uint16_t old_bytes = 0;
  std::uint16_t new_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "new_data_bytes", self.new_data_bytes);
    visit(46, "old_bytes", self.old_bytes);
    visit(48, "new_bytes", self.new_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("data", LowBits(self.new_data_bytes));
  }

  friend bool operator==(const ReplaceRecord&, const ReplaceRecord&) = default;
};

struct ReplaceDiffRecord {
  static constexpr std::size_t kBytes = 50;
  static constexpr RecordType kTypes[] = {RecordType::replace_diff};
  static constexpr std::size_t kParts = 1;
  static constexpr std::uint16_t kWide = 0x8000;

  RecordType type = RecordType::replace_diff;
  NodeRecordHeader node;
  std::uint16_t diff_bytes = 0;  // its highest bit: the wide form of the stream
  std::uint16_t old_bytes = 0;
  std::uint16_t new_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "diff_bytes", self.diff_bytes);
    visit(46, "old_bytes", self.old_bytes);
    visit(48, "new_bytes", self.new_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("diff", LowBits(self.diff_bytes));
  }

  friend bool operator==(const ReplaceDiffRecord&, const ReplaceDiffRecord&) = default;
};

struct UndoInfoRecord {
  static constexpr std::size_t kBytes = 56;
  static constexpr RecordType kTypes[] = {RecordType::undo_info};
  static constexpr std::size_t kParts = 3;

  RecordType type = RecordType::undo_info;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t bookmark_bytes = 0;
  std::uint16_t operation = 0;
  std::int16_t size_max = 0;
  std::int16_t size_delta = 0;
  std::uint16_t old_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "bookmark_bytes", self.bookmark_bytes);
    visit(48, "operation", self.operation);
    visit(50, "size_max", self.size_max);
    visit(52, "size_delta", self.size_delta);
    visit(54, "old_bytes", self.old_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("bookmark_data", self.bookmark_bytes);
    visit("old_data", self.old_bytes);
  }

  friend bool operator==(const UndoInfoRecord&, const UndoInfoRecord&) = default;
};

struct DeltaRecord {
  static constexpr std::size_t kBytes = 54;
  static constexpr RecordType kTypes[] = {RecordType::delta};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::delta;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t bookmark_bytes = 0;
  std::int32_t delta = 0;
  std::uint16_t offset = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "bookmark_bytes", self.bookmark_bytes);
    visit(48, "delta", self.delta);
    visit(52, "offset", self.offset);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("bookmark_data", self.bookmark_bytes);
  }

  friend bool operator==(const DeltaRecord&, const DeltaRecord&) = default;
};

struct DeltaRecord64 {
  static constexpr std::size_t kBytes = 58;
  static constexpr RecordType kTypes[] = {RecordType::delta64};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::delta64;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t bookmark_bytes = 0;
  std::int64_t delta = 0;
  std::uint16_t offset = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "bookmark_bytes", self.bookmark_bytes);
    visit(48, "delta", self.delta);
    visit(56, "offset", self.offset);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("bookmark_data", self.bookmark_bytes);
  }

  friend bool operator==(const DeltaRecord64&, const DeltaRecord64&) = default;
};

struct ExternalHeaderRecord {
  static constexpr std::size_t kBytes = 46;
  static constexpr RecordType kTypes[] = {RecordType::set_external_header};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::set_external_header;
  NodeRecordHeader node;
  std::uint16_t data_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "data_bytes", self.data_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("data", self.data_bytes);
  }

  friend bool operator==(const ExternalHeaderRecord&, const ExternalHeaderRecord&) = default;
};

struct UndoRecord {
  static constexpr std::size_t kBytes = 51;
  static constexpr RecordType kTypes[] = {RecordType::undo};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::undo;
  NodeRecordHeader node;
  std::uint16_t key_bytes = 0;
  std::uint16_t bookmark_bytes = 0;
  std::uint16_t operation = 0;
  std::uint8_t undo_level = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "key_bytes", self.key_bytes);
    visit(46, "bookmark_bytes", self.bookmark_bytes);
    visit(48, "operation", self.operation);
    visit(50, "undo_level", self.undo_level);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("key", self.key_bytes);
    visit("bookmark_data", self.bookmark_bytes);
  }

  friend bool operator==(const UndoRecord&, const UndoRecord&) = default;
};

struct EmptyTreeRecord {
  static constexpr std::size_t kBytes = 46;
  static constexpr RecordType kTypes[] = {RecordType::empty_tree};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::empty_tree;
  NodeRecordHeader node;
  std::uint16_t entries_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "entries_bytes", self.entries_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("entries", self.entries_bytes);
  }

  friend bool operator==(const EmptyTreeRecord&, const EmptyTreeRecord&) = default;
};

struct EmptyTreeEntry {
  static constexpr std::size_t kBytes = 16;

  Dbtime before{};
  Pgno page{};
  std::uint32_t page_flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "before", self.before);
    visit(8, "page", self.page);
    visit(12, "page_flags", self.page_flags);
  }

  friend bool operator==(const EmptyTreeEntry&, const EmptyTreeEntry&) = default;
};

struct ScrubRecord {
  static constexpr std::size_t kBytes = 54;
  static constexpr RecordType kTypes[] = {RecordType::scrub};
  static constexpr std::size_t kParts = 1;
  static constexpr std::uint32_t kUnusedPage = 1;

  RecordType type = RecordType::scrub;
  NodeRecordHeader node;
  std::uint32_t scrub_flags = 0;
  std::uint32_t lines = 0;
  std::uint16_t operations_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "node", self.node);
    visit(44, "scrub_flags", self.scrub_flags);
    visit(48, "lines", self.lines);
    visit(52, "operations_bytes", self.operations_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("operations", self.operations_bytes);
  }

  friend bool operator==(const ScrubRecord&, const ScrubRecord&) = default;
};

}  // namespace stillframe::ese

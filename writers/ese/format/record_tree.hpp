// Records that make, split and merge trees.
// docs/formats/log-records.md has the meaning of every field.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_parts.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct CreateMultipleExtentFdpRecord {
  static constexpr std::size_t kBytes = 56;
  static constexpr RecordType kTypes[] = {RecordType::create_multiple_extent_fdp};

  RecordType type = RecordType::create_multiple_extent_fdp;
  PageRecordHeader page;
  Objid objid{};
  Pgno owned_root{};
  Pgno available_root{};
  Pgno parent{};
  std::uint32_t primary_pages = 0;
  std::uint32_t page_flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "page", self.page);
    visit(32, "objid", self.objid);
    visit(36, "owned_root", self.owned_root);
    visit(40, "available_root", self.available_root);
    visit(44, "parent", self.parent);
    visit(48, "primary_pages", self.primary_pages);
    visit(52, "page_flags", self.page_flags);
  }

  friend bool operator==(const CreateMultipleExtentFdpRecord&,
                         const CreateMultipleExtentFdpRecord&) = default;
};

struct CreateSingleExtentFdpRecord {
  static constexpr std::size_t kBytes = 48;
  static constexpr RecordType kTypes[] = {RecordType::create_single_extent_fdp};

  RecordType type = RecordType::create_single_extent_fdp;
  PageRecordHeader page;
  Objid objid{};
  Pgno parent{};
  std::uint32_t primary_pages = 0;
  std::uint32_t page_flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "page", self.page);
    visit(32, "objid", self.objid);
    visit(36, "parent", self.parent);
    visit(40, "primary_pages", self.primary_pages);
    visit(44, "page_flags", self.page_flags);
  }

  friend bool operator==(const CreateSingleExtentFdpRecord&,
                         const CreateSingleExtentFdpRecord&) = default;
};

struct ConvertFdpRecord {
  static constexpr std::size_t kBytes = 60;
  static constexpr RecordType kTypes[] = {RecordType::convert_fdp};

  RecordType type = RecordType::convert_fdp;
  PageRecordHeader page;
  Objid objid{};
  Pgno owned_root{};
  Pgno available_root{};
  Pgno parent{};
  Pgno secondary_first{};
  std::uint32_t primary_pages = 0;
  std::uint32_t secondary_pages = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "page", self.page);
    visit(32, "objid", self.objid);
    visit(36, "owned_root", self.owned_root);
    visit(40, "available_root", self.available_root);
    visit(44, "parent", self.parent);
    visit(48, "secondary_first", self.secondary_first);
    visit(52, "primary_pages", self.primary_pages);
    visit(56, "secondary_pages", self.secondary_pages);
  }

  friend bool operator==(const ConvertFdpRecord&, const ConvertFdpRecord&) = default;
};

struct ConvertFdpRecord2 {
  static constexpr std::size_t kBytes = 68;
  static constexpr RecordType kTypes[] = {RecordType::convert_fdp2};

  RecordType type = RecordType::convert_fdp2;
  PageRecordHeader page;
  Objid objid{};
  Pgno owned_root{};
  Pgno available_root{};
  Pgno parent{};
  Pgno secondary_first{};
  std::uint32_t primary_pages = 0;
  std::uint32_t secondary_pages = 0;
  std::uint32_t available_bits = 0;
  std::uint32_t page_flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "page", self.page);
    visit(32, "objid", self.objid);
    visit(36, "owned_root", self.owned_root);
    visit(40, "available_root", self.available_root);
    visit(44, "parent", self.parent);
    visit(48, "secondary_first", self.secondary_first);
    visit(52, "primary_pages", self.primary_pages);
    visit(56, "secondary_pages", self.secondary_pages);
    visit(60, "available_bits", self.available_bits);
    visit(64, "page_flags", self.page_flags);
  }

  friend bool operator==(const ConvertFdpRecord2&, const ConvertFdpRecord2&) = default;
};

struct NewPageRecord {
  static constexpr std::size_t kBytes = 20;
  static constexpr RecordType kTypes[] = {RecordType::new_page};

  RecordType type = RecordType::new_page;
  Procid procid{};
  Dbid dbid{};
  Pgno page{};
  Objid objid{};
  Dbtime dbtime{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
    visit(4, "page", self.page);
    visit(8, "objid", self.objid);
    visit(12, "dbtime", self.dbtime);
  }

  friend bool operator==(const NewPageRecord&, const NewPageRecord&) = default;
};

struct RootPageMoveRecord {
  static constexpr std::size_t kBytes = 16;
  static constexpr RecordType kTypes[] = {RecordType::root_page_move};

  RecordType type = RecordType::root_page_move;
  Dbtime dbtime{};
  Dbid dbid{};
  Objid objid{};
  Procid procid{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbtime", self.dbtime);
    visit(9, "dbid", self.dbid);
    visit(10, "objid", self.objid);
    visit(14, "procid", self.procid);
  }

  friend bool operator==(const RootPageMoveRecord&, const RootPageMoveRecord&) = default;
};

// What splits of all ages have in common.
struct SplitFields {
  static constexpr std::size_t kBytes = 102;

  PageRecordHeader page;
  Pgno new_page{};  // null: this page is only the parent of one that splits
  Pgno right{};
  Dbtime right_before{};
  Pgno parent{};
  Dbtime parent_before{};
  Pgno fdp{};
  Objid objid{};
  std::uint8_t split_type = 0;
  std::uint8_t operation = 0;
  std::uint16_t line_operation = 0;
  std::uint16_t line_split = 0;
  std::uint16_t lines = 0;
  std::uint32_t new_flags = 0;
  std::uint32_t source_flags = 0;
  std::uint16_t source_uncommitted = 0;
  std::uint16_t new_uncommitted = 0;
  std::int32_t line_prefix_source = 0;
  std::int32_t line_prefix_new = 0;
  std::uint16_t old_prefix_bytes = 0;
  std::uint16_t new_prefix_bytes = 0;
  std::uint16_t separator_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "page", self.page);
    visit(32, "new_page", self.new_page);
    visit(36, "right", self.right);
    visit(40, "right_before", self.right_before);
    visit(48, "parent", self.parent);
    visit(52, "parent_before", self.parent_before);
    visit(60, "fdp", self.fdp);
    visit(64, "objid", self.objid);
    visit(68, "split_type", self.split_type);
    visit(69, "operation", self.operation);
    visit(70, "line_operation", self.line_operation);
    visit(72, "line_split", self.line_split);
    visit(74, "lines", self.lines);
    visit(76, "new_flags", self.new_flags);
    visit(80, "source_flags", self.source_flags);
    visit(84, "source_uncommitted", self.source_uncommitted);
    visit(86, "new_uncommitted", self.new_uncommitted);
    visit(88, "line_prefix_source", self.line_prefix_source);
    visit(92, "line_prefix_new", self.line_prefix_new);
    visit(96, "old_prefix_bytes", self.old_prefix_bytes);
    visit(98, "new_prefix_bytes", self.new_prefix_bytes);
    visit(100, "separator_bytes", self.separator_bytes);
  }

  friend bool operator==(const SplitFields&, const SplitFields&) = default;
};

// As logged before Windows 7: without an image.
struct SplitRecord {
  static constexpr std::size_t kBytes = 102;
  static constexpr RecordType kTypes[] = {RecordType::split};
  static constexpr std::size_t kParts = 3;

  RecordType type = RecordType::split;
  SplitFields split;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "split", self.split);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("separator", self.split.separator_bytes);
    visit("old_prefix", self.split.old_prefix_bytes);
    visit("new_prefix", self.split.new_prefix_bytes);
  }

  friend bool operator==(const SplitRecord&, const SplitRecord&) = default;
};

struct SplitRecord2 {
  static constexpr std::size_t kBytes = 110;
  static constexpr RecordType kTypes[] = {RecordType::split2};
  static constexpr std::size_t kParts = 4;

  RecordType type = RecordType::split2;
  SplitFields split;
  std::uint32_t image_flags = 0;
  std::uint32_t image_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "split", self.split);
    visit(102, "image_flags", self.image_flags);
    visit(106, "image_bytes", self.image_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("separator", self.split.separator_bytes);
    visit("old_prefix", self.split.old_prefix_bytes);
    visit("new_prefix", self.split.new_prefix_bytes);
    visit("image", self.image_bytes);
  }

  friend bool operator==(const SplitRecord2&, const SplitRecord2&) = default;
};

struct MergeFields {
  static constexpr std::size_t kBytes = 88;
  static constexpr std::uint8_t kKeyChange = 1, kDeleteNode = 2, kEmptyPage = 4;

  PageRecordHeader page;
  Pgno right{};
  Dbtime right_before{};
  Pgno left{};
  Dbtime left_before{};
  Pgno parent{};
  Dbtime parent_before{};
  Pgno fdp{};
  Objid objid{};
  std::uint16_t size_total = 0;
  std::uint16_t size_max = 0;
  std::uint16_t target_uncommitted = 0;
  std::uint16_t line_merge = 0;
  std::uint8_t merge_flags = 0;
  std::uint8_t merge_type = 0;
  std::uint16_t separator_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "page", self.page);
    visit(32, "right", self.right);
    visit(36, "right_before", self.right_before);
    visit(44, "left", self.left);
    visit(48, "left_before", self.left_before);
    visit(56, "parent", self.parent);
    visit(60, "parent_before", self.parent_before);
    visit(68, "fdp", self.fdp);
    visit(72, "objid", self.objid);
    visit(76, "size_total", self.size_total);
    visit(78, "size_max", self.size_max);
    visit(80, "target_uncommitted", self.target_uncommitted);
    visit(82, "line_merge", self.line_merge);
    visit(84, "merge_flags", self.merge_flags);
    visit(85, "merge_type", self.merge_type);
    visit(86, "separator_bytes", self.separator_bytes);
  }

  friend bool operator==(const MergeFields&, const MergeFields&) = default;
};

struct MergeRecord {
  static constexpr std::size_t kBytes = 88;
  static constexpr RecordType kTypes[] = {RecordType::merge};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::merge;
  MergeFields merge;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "merge", self.merge);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("separator", self.merge.separator_bytes);
  }

  friend bool operator==(const MergeRecord&, const MergeRecord&) = default;
};

struct MergeRecord2 {
  static constexpr std::size_t kBytes = 96;
  static constexpr RecordType kTypes[] = {RecordType::merge2};
  static constexpr std::size_t kParts = 2;

  RecordType type = RecordType::merge2;
  MergeFields merge;
  std::uint32_t image_flags = 0;
  std::uint32_t image_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "merge", self.merge);
    visit(88, "image_flags", self.image_flags);
    visit(92, "image_bytes", self.image_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("separator", self.merge.separator_bytes);
    visit("image", self.image_bytes);
  }

  friend bool operator==(const MergeRecord2&, const MergeRecord2&) = default;
};

struct PageMoveRecord {
  static constexpr std::size_t kBytes = 96;
  static constexpr RecordType kTypes[] = {RecordType::page_move};
  static constexpr std::size_t kParts = 2;
  static constexpr std::uint32_t kFdpRoot = 1, kOwnedRoot = 2, kAvailableRoot = 4;

  RecordType type = RecordType::page_move;
  PageRecordHeader page;
  Pgno destination{};
  Pgno left{};
  Pgno right{};
  Pgno parent{};
  Dbtime left_before{};
  Dbtime right_before{};
  Dbtime parent_before{};
  Pgno fdp{};
  Objid objid{};
  std::int32_t parent_line = 0;
  std::uint32_t move_flags = 0;
  std::uint32_t header_bytes = 0;
  std::uint32_t trailer_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(0, "page", self.page);
    visit(32, "destination", self.destination);
    visit(36, "left", self.left);
    visit(40, "right", self.right);
    visit(44, "parent", self.parent);
    visit(48, "left_before", self.left_before);
    visit(56, "right_before", self.right_before);
    visit(64, "parent_before", self.parent_before);
    visit(72, "fdp", self.fdp);
    visit(76, "objid", self.objid);
    visit(80, "parent_line", self.parent_line);
    visit(84, "move_flags", self.move_flags);
    visit(88, "header_bytes", self.header_bytes);
    visit(92, "trailer_bytes", self.trailer_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("header", self.header_bytes);
    visit("trailer", self.trailer_bytes);
  }

  friend bool operator==(const PageMoveRecord&, const PageMoveRecord&) = default;
};

}  // namespace stillframe::ese

// Every kind of log record there is: its number, its name and how long it is.
// docs/formats/log-records.md has the layouts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

enum class RecordType : std::uint8_t {
  nop = 0,
  init = 1,
  term = 2,
  multi_sector = 3,
  end = 4,
  begin = 5,
  commit = 6,
  rollback = 7,
  begin0 = 8,
  commit0 = 9,
  refresh = 10,
  macro_begin = 11,
  macro_commit = 12,
  macro_abort = 13,
  create_db = 14,
  attach_db = 15,
  detach_db = 16,
  recovery_undo = 17,
  recovery_quit = 18,
  full_backup = 19,
  incremental_backup = 20,
  jet_op = 21,
  trace = 22,
  shutdown_mark = 23,
  create_multiple_extent_fdp = 24,
  create_single_extent_fdp = 25,
  convert_fdp = 26,
  split = 27,
  merge = 28,
  insert = 29,
  flag_insert = 30,
  flag_insert_and_replace = 31,
  flag_delete = 32,
  replace = 33,
  replace_diff = 34,
  remove = 35,  // "Delete" in the tables: the word is taken
  undo_info = 36,
  delta = 37,
  set_external_header = 38,
  undo = 39,
  checksum = 42,
  external_restore = 45,
  backup = 46,
  empty_tree = 48,
  init2 = 49,
  term2 = 50,
  recovery_undo2 = 51,
  recovery_quit2 = 52,
  begin_distributed = 53,
  prepare_commit = 54,
  prepare_rollback = 55,
  force_write_log = 57,
  convert_fdp2 = 58,
  external_restore2 = 59,
  backup2 = 60,
  force_log_rollover = 61,
  split2 = 62,
  merge2 = 63,
  scrub = 64,
  page_move = 65,
  page_patch_request = 66,
  macro_info = 67,
  extend_db = 68,
  commit_context = 69,
  scan_check = 70,
  nop2 = 71,
  reattach = 72,
  macro_info2 = 73,
  free_fdp = 74,
  ignored_75 = 75,
  fragment_begin = 76,
  fragment = 77,
  shrink_db = 78,
  create_db_finish = 79,
  recovery_quit_keep_attachments = 80,
  trim_db = 81,
  ignored_82 = 82,
  ignored_83 = 83,
  ignored_84 = 84,
  ignored_85 = 85,
  ignored_86 = 86,
  ignored_87 = 87,
  ignored_88 = 88,
  ignored_89 = 89,
  ignored_90 = 90,
  ignored_91 = 91,
  set_db_version = 92,
  delta64 = 93,
  shrink_db2 = 94,
  new_page = 95,
  root_page_move = 96,
  signal_attach_db = 97,
  scan_check2 = 98,
  shrink_db3 = 99,
  extent_freed = 100,
  extent_freed2 = 101,
};

// What redo has to do with a record.
enum class RecordClass {
  information,  // nothing
  framing,      // part of how records lie in the file; readers of records never see it
  transaction,
  macro,
  page,
  database,  // the file as a whole, or its header
  refused,   // written by engines so old that the current Windows engine refuses it too
};

std::string_view to_string(RecordClass c) noexcept;

// Where a record says how long a part of it is that follows the fixed part. `width` 0: no such
// part.
struct LengthField {
  std::uint8_t offset = 0;
  std::uint8_t width = 0;
  std::uint16_t mask = 0xFFFF;  // of 8- and 16-bit lengths only
};

inline constexpr std::size_t kLengthFieldsMax = 4;

struct RecordKind {
  RecordType type;
  std::string_view name;
  std::uint16_t fixed_bytes;
  RecordClass record_class;
  std::array<LengthField, kLengthFieldsMax> lengths{};
};

// The row of `type`; none for a number that no engine is known to have written.
const RecordKind* record_kind(RecordType type) noexcept;
const RecordKind* record_kind(std::string_view name) noexcept;

// All rows, in ascending order of their numbers.
std::span<const RecordKind> record_kinds() noexcept;

// Of a number without a row too: "type 200".
std::string record_name(RecordType type);

// The largest record that any length field can describe and a reader accepts: a page image of the
// largest pages and everything around it fits. A larger one is a lie.
inline constexpr std::size_t kRecordBytesMax = 256 * 1024;

// How a run of bytes begins.
enum class RecordRead {
  whole,         // with a record of `bytes` bytes, all there
  cut,           // with a record whose end is not there
  unknown_type,  // with a number that has no row
  oversized,     // with a record beyond kRecordBytesMax
};

struct RecordSpan {
  RecordRead read = RecordRead::cut;
  std::size_t bytes = 0;
};

RecordSpan measure_record(Bytes bytes) noexcept;

// An error for each way but `whole`. `file` and `at` say where.
Error record_error(RecordRead read, Bytes bytes, std::string_view file, Lgpos at);

// A position as people and tools write it: generation,segment,offset in hexadecimal, "9,9F,6F6".
std::string to_text(Lgpos at);

// Whether its first 32 bytes are the common header of page records.
bool has_page_header(RecordType type) noexcept;

}  // namespace stillframe::ese

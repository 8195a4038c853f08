// The header of a database file: what it is, whether it is consistent, and which logs it needs.
// docs/formats/database-header.md has the bytes.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

inline constexpr std::uint32_t kHeaderMagic = 0x89ABCDEF;
inline constexpr std::uint32_t kDatabaseVersion = 0x620;
inline constexpr std::size_t kPageBytesMin = 2048;
inline constexpr std::size_t kPageBytesMax = 32768;

constexpr bool is_page_size(std::uint64_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kPageBytesMin && bytes <= kPageBytesMax;
}

enum class DbState : std::uint32_t {
  just_created = 1,
  dirty_shutdown = 2,
  clean_shutdown = 3,
  being_converted = 4,
  force_detach = 5,
  incremental_reseed_in_progress = 6,
  dirty_and_patched_shutdown = 7,
  revert_in_progress = 8,
};
std::string_view name_of(DbState state) noexcept;  // "unknown" for a value that is none of these

enum class FileType : std::uint32_t {
  unset = 0,  // before Windows 8
  database = 1,
  log = 3,
  checkpoint = 4,
  flush_map = 7,
  revert_snapshot = 10,
};
std::string_view name_of(FileType type) noexcept;

enum class BackupKind : std::uint32_t {
  streaming = 0,
  os_snapshot = 1,
  snapshot = 2,
  surrogate = 3
};

// How often something happened, when last, and how often before the counter was last reset.
struct EventCount {
  static constexpr std::size_t kBytes = 16;

  std::uint32_t count = 0;
  LogTime last;
  std::uint32_t count_before = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "count", self.count);
    visit(4, "last", self.last);
    visit(12, "count_before", self.count_before);
  }
  friend bool operator==(const EventCount&, const EventCount&) = default;
};

struct ResizeCount {
  static constexpr std::size_t kBytes = 12;

  std::uint32_t count = 0;
  LogTime last;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "count", self.count);
    visit(4, "last", self.last);
  }
  friend bool operator==(const ResizeCount&, const ResizeCount&) = default;
};

struct DatabaseHeader {
  static constexpr std::size_t kBytes = 748;

  std::uint32_t checksum = 0;
  std::uint32_t magic = kHeaderMagic;
  std::uint32_t version = kDatabaseVersion;
  std::uint32_t attributes = 0;
  Dbtime dbtime_dirtied{};
  Signature sign_db;
  DbState state = DbState::just_created;
  Lgpos lgpos_consistent;
  LogTime time_consistent;
  LogTime time_attach;
  Lgpos lgpos_attach;
  LogTime time_detach;
  Lgpos lgpos_detach;
  std::uint32_t dbid = 0;
  Signature sign_log;
  BackupInfo full_previous, incremental_previous, full_current;
  std::uint32_t flags = 0;
  Objid objid_last{};
  std::uint32_t os_major = 0, os_minor = 0, os_build = 0, os_service_pack = 0;
  std::uint32_t update_major = 0;
  std::uint32_t page_bytes = 0;  // 0 means 4096: ask page_size()
  std::uint32_t repair_count = 0;
  LogTime time_repair;
  Signature sign_slv;
  Dbtime dbtime_last_scrub{};
  LogTime time_scrub;
  Generation gen_min_required{}, gen_max_required{};
  std::array<std::uint32_t, 3> conversion_pages{};
  BackupInfo snapshot_current;
  std::uint32_t create_version = 0, create_update = 0;
  LogTime time_gen_max_create;
  BackupKind full_kind{}, incremental_kind{};
  std::uint32_t repair_count_before = 0;
  EventCount ecc_fixed, ecc_failed, checksum_failed;
  Generation gen_max_committed{};
  BackupInfo copy_previous, differential_previous;
  BackupKind copy_kind{}, differential_kind{};
  EventCount incremental_reseed, page_patch;
  std::uint64_t sort_version = 0;
  LogTime scan_previous, scan_start;
  Pgno scan_pgno{};
  Generation gen_recovering{};
  ResizeCount extended, shrunk;
  LogTime time_last_reattach;
  Lgpos lgpos_last_reattach;
  std::uint32_t trim_count = 0;
  Signature sign_header_flush, sign_flush_map_flush;
  Generation gen_min_consistent{};
  std::uint32_t update_minor = 0;
  std::uint32_t engine_version = 0;
  Pgno scan_pgno_max{};
  Lgpos lgpos_last_resize;
  FileType file_type = FileType::database;
  LogTime time_gen_max_required;
  Generation gen_pre_redo_min_consistent{}, gen_pre_redo_min_required{};
  Signature sign_revert_flush;
  std::uint32_t revert_count = 0;
  LogTime revert_from, revert_to;
  std::uint32_t revert_pages = 0;
  Lgpos lgpos_commit_before_revert;

  std::size_t page_size() const { return page_bytes == 0 ? 4096 : page_bytes; }
  bool clean() const { return state == DbState::clean_shutdown; }

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    identity_fields(self, visit);
    backup_fields(self, visit);
    history_fields(self, visit);
    late_fields(self, visit);
  }

  friend bool operator==(const DatabaseHeader&, const DatabaseHeader&) = default;

 private:
  template <class Self, class Visitor>
  static void identity_fields(Self& self, Visitor& visit) {
    visit(0, "checksum", self.checksum);
    visit(4, "magic", self.magic);
    visit(8, "version", self.version);
    visit(12, "attributes", self.attributes);
    visit(16, "dbtime_dirtied", self.dbtime_dirtied);
    visit(24, "sign_db", self.sign_db);
    visit(52, "state", self.state);
    visit(56, "lgpos_consistent", self.lgpos_consistent);
    visit(64, "time_consistent", self.time_consistent);
    visit(72, "time_attach", self.time_attach);
    visit(80, "lgpos_attach", self.lgpos_attach);
    visit(88, "time_detach", self.time_detach);
    visit(96, "lgpos_detach", self.lgpos_detach);
    visit(104, "dbid", self.dbid);
    visit(108, "sign_log", self.sign_log);
  }
  template <class Self, class Visitor>
  static void backup_fields(Self& self, Visitor& visit) {
    visit(136, "full_previous", self.full_previous);
    visit(160, "incremental_previous", self.incremental_previous);
    visit(184, "full_current", self.full_current);
    visit(208, "flags", self.flags);
    visit(212, "objid_last", self.objid_last);
    visit(216, "os_major", self.os_major);
    visit(220, "os_minor", self.os_minor);
    visit(224, "os_build", self.os_build);
    visit(228, "os_service_pack", self.os_service_pack);
    visit(232, "update_major", self.update_major);
    visit(236, "page_bytes", self.page_bytes);
    visit(240, "repair_count", self.repair_count);
    visit(244, "time_repair", self.time_repair);
    visit(252, "sign_slv", self.sign_slv);
    visit(280, "dbtime_last_scrub", self.dbtime_last_scrub);
    visit(288, "time_scrub", self.time_scrub);
    visit(296, "gen_min_required", self.gen_min_required);
    visit(300, "gen_max_required", self.gen_max_required);
    visit(304, "conversion_pages", self.conversion_pages);
    visit(316, "snapshot_current", self.snapshot_current);
  }
  template <class Self, class Visitor>
  static void history_fields(Self& self, Visitor& visit) {
    visit(340, "create_version", self.create_version);
    visit(344, "create_update", self.create_update);
    visit(348, "time_gen_max_create", self.time_gen_max_create);
    visit(356, "full_kind", self.full_kind);
    visit(360, "incremental_kind", self.incremental_kind);
    visit(364, "repair_count_before", self.repair_count_before);
    visit(368, "ecc_fixed", self.ecc_fixed);
    visit(384, "ecc_failed", self.ecc_failed);
    visit(400, "checksum_failed", self.checksum_failed);
    visit(416, "gen_max_committed", self.gen_max_committed);
    visit(420, "copy_previous", self.copy_previous);
    visit(444, "differential_previous", self.differential_previous);
    visit(468, "copy_kind", self.copy_kind);
    visit(472, "differential_kind", self.differential_kind);
    visit(476, "incremental_reseed", self.incremental_reseed);
    visit(492, "page_patch", self.page_patch);
    visit(508, "sort_version", self.sort_version);
    visit(516, "scan_previous", self.scan_previous);
    visit(524, "scan_start", self.scan_start);
    visit(532, "scan_pgno", self.scan_pgno);
    visit(536, "gen_recovering", self.gen_recovering);
    visit(540, "extended", self.extended);
    visit(552, "shrunk", self.shrunk);
  }
  template <class Self, class Visitor>
  static void late_fields(Self& self, Visitor& visit) {
    visit(564, "time_last_reattach", self.time_last_reattach);
    visit(572, "lgpos_last_reattach", self.lgpos_last_reattach);
    visit(580, "trim_count", self.trim_count);
    visit(584, "sign_header_flush", self.sign_header_flush);
    visit(612, "sign_flush_map_flush", self.sign_flush_map_flush);
    visit(640, "gen_min_consistent", self.gen_min_consistent);
    visit(644, "update_minor", self.update_minor);
    visit(648, "engine_version", self.engine_version);
    visit(652, "scan_pgno_max", self.scan_pgno_max);
    visit(656, "lgpos_last_resize", self.lgpos_last_resize);
    visit(667, "file_type", self.file_type);
    visit(672, "time_gen_max_required", self.time_gen_max_required);
    visit(680, "gen_pre_redo_min_consistent", self.gen_pre_redo_min_consistent);
    visit(684, "gen_pre_redo_min_required", self.gen_pre_redo_min_required);
    visit(688, "sign_revert_flush", self.sign_revert_flush);
    visit(716, "revert_count", self.revert_count);
    visit(720, "revert_from", self.revert_from);
    visit(728, "revert_to", self.revert_to);
    visit(736, "revert_pages", self.revert_pages);
    visit(740, "lgpos_commit_before_revert", self.lgpos_commit_before_revert);
  }
};

// Enters `state` and all that goes with it: which generations are required, and the times that only
// a dirty database keeps. For a clean state `low` and `high` are ignored.
void set_state(DatabaseHeader& header, DbState state, Generation low, Generation high);

// Fills the whole of `page` (the size of the database's pages) with the header and its checksum.
// write_header_copies() of the engine writes it: never both copies at once, or both may be torn.
void seal_header(const DatabaseHeader& header, MutableBytes page);

// Which of the two copies was believed. Whoever opens the file for writing rewrites the other
// first.
enum class HeaderCopies {
  equal,
  shadow_stale,  // both are whole but differ: the first is the newer
  shadow_bad,
  primary_bad,
};
std::string_view name_of(HeaderCopies copies) noexcept;

struct HeaderFound {
  DatabaseHeader header;
  HeaderCopies copies = HeaderCopies::equal;
};

// Picks the header from the first bytes of a file. `start` is its first 64 KiB, or all of a shorter
// one. Bad checksums: read_verify_failure; another kind of file: invalid_database_version.
Result<HeaderFound> find_header(Bytes start, std::string_view name);

}  // namespace stillframe::ese

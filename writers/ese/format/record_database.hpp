// Records of databases as a whole.
// docs/formats/log-records.md has the meaning of every field.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/record_parts.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct CreateDbRecord {
  static constexpr std::size_t kBytes = 43;
  static constexpr RecordType kTypes[] = {RecordType::create_db};
  static constexpr std::size_t kParts = 2;
  static constexpr std::uint8_t kVersions = 4, kUtf16 = 8, kSparse = 0x10;

  RecordType type = RecordType::create_db;
  Procid procid{};
  Dbid dbid{};
  std::uint32_t options = 0;
  std::uint32_t pages_max = 0;
  Signature database;
  std::uint16_t path_bytes = 0;  // without the version words
  std::uint8_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
    visit(4, "options", self.options);
    visit(8, "pages_max", self.pages_max);
    visit(12, "database", self.database);
    visit(40, "path_bytes", self.path_bytes);
    visit(42, "flags", self.flags);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("versions", BitLength(self.flags, std::uint8_t{4}));
    visit("path", self.path_bytes);
  }

  friend bool operator==(const CreateDbRecord&, const CreateDbRecord&) = default;
};

struct AttachDbRecord {
  static constexpr std::size_t kBytes = 75;
  static constexpr RecordType kTypes[] = {RecordType::attach_db};
  static constexpr std::size_t kParts = 1;
  static constexpr std::uint8_t kUtf16 = 8;

  RecordType type = RecordType::attach_db;
  Procid procid{};
  Dbid dbid{};
  std::uint32_t pages_max = 0;
  Lgpos consistent;
  Signature database;
  Signature log;
  std::uint16_t path_bytes = 0;
  std::uint8_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
    visit(4, "pages_max", self.pages_max);
    visit(8, "consistent", self.consistent);
    visit(16, "database", self.database);
    visit(44, "log", self.log);
    visit(72, "path_bytes", self.path_bytes);
    visit(74, "flags", self.flags);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("path", self.path_bytes);
  }

  friend bool operator==(const AttachDbRecord&, const AttachDbRecord&) = default;
};

struct DetachDbRecord {
  static constexpr std::size_t kBytes = 7;
  static constexpr RecordType kTypes[] = {RecordType::detach_db};
  static constexpr std::size_t kParts = 1;
  static constexpr std::uint8_t kUtf16 = 0x10;

  RecordType type = RecordType::detach_db;
  Procid procid{};
  Dbid dbid{};
  std::uint16_t path_bytes = 0;
  std::uint8_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
    visit(4, "path_bytes", self.path_bytes);
    visit(6, "flags", self.flags);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("path", self.path_bytes);
  }

  friend bool operator==(const DetachDbRecord&, const DetachDbRecord&) = default;
};

struct CreateDbFinishRecord {
  static constexpr std::size_t kBytes = 4;
  static constexpr RecordType kTypes[] = {RecordType::create_db_finish};

  RecordType type = RecordType::create_db_finish;
  Procid procid{};
  Dbid dbid{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "procid", self.procid);
    visit(3, "dbid", self.dbid);
  }

  friend bool operator==(const CreateDbFinishRecord&, const CreateDbFinishRecord&) = default;
};

struct ShrinkDbRecord {
  static constexpr std::size_t kBytes = 10;
  static constexpr RecordType kTypes[] = {RecordType::shrink_db, RecordType::shrink_db2};

  RecordType type = RecordType::shrink_db;
  Dbid dbid{};
  Pgno last{};
  std::uint32_t pages = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "last", self.last);
    visit(6, "pages", self.pages);
  }

  friend bool operator==(const ShrinkDbRecord&, const ShrinkDbRecord&) = default;
};

struct ShrinkDbRecord3 {
  static constexpr std::size_t kBytes = 18;
  static constexpr RecordType kTypes[] = {RecordType::shrink_db3};

  RecordType type = RecordType::shrink_db3;
  Dbid dbid{};
  Pgno last{};
  std::uint32_t pages = 0;
  Dbtime dbtime{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "last", self.last);
    visit(6, "pages", self.pages);
    visit(10, "dbtime", self.dbtime);
  }

  friend bool operator==(const ShrinkDbRecord3&, const ShrinkDbRecord3&) = default;
};

struct TrimDbRecord {
  static constexpr std::size_t kBytes = 10;
  static constexpr RecordType kTypes[] = {RecordType::trim_db};

  RecordType type = RecordType::trim_db;
  Dbid dbid{};
  Pgno first{};
  std::uint32_t pages = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "first", self.first);
    visit(6, "pages", self.pages);
  }

  friend bool operator==(const TrimDbRecord&, const TrimDbRecord&) = default;
};

struct SetDbVersionRecord {
  static constexpr std::size_t kBytes = 14;
  static constexpr RecordType kTypes[] = {RecordType::set_db_version};

  RecordType type = RecordType::set_db_version;
  Dbid dbid{};
  std::uint32_t major = 0;
  std::uint32_t update_major = 0;
  std::uint32_t update_minor = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "major", self.major);
    visit(6, "update_major", self.update_major);
    visit(10, "update_minor", self.update_minor);
  }

  friend bool operator==(const SetDbVersionRecord&, const SetDbVersionRecord&) = default;
};

struct SignalAttachDbRecord {
  static constexpr std::size_t kBytes = 2;
  static constexpr RecordType kTypes[] = {RecordType::signal_attach_db};

  RecordType type = RecordType::signal_attach_db;
  Dbid dbid{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
  }

  friend bool operator==(const SignalAttachDbRecord&, const SignalAttachDbRecord&) = default;
};

struct ScanCheckRecord2 {
  static constexpr std::size_t kBytes = 27;
  static constexpr RecordType kTypes[] = {RecordType::scan_check2};

  RecordType type = RecordType::scan_check2;
  Dbid dbid{};
  Pgno page{};
  std::uint8_t source = 0;
  Dbtime page_dbtime{};
  Dbtime dbtime{};
  std::uint32_t hash = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "page", self.page);
    visit(6, "source", self.source);
    visit(7, "page_dbtime", self.page_dbtime);
    visit(15, "dbtime", self.dbtime);
    visit(23, "hash", self.hash);
  }

  friend bool operator==(const ScanCheckRecord2&, const ScanCheckRecord2&) = default;
};

struct ExtentFreedRecord {
  static constexpr std::size_t kBytes = 11;
  static constexpr RecordType kTypes[] = {RecordType::extent_freed};

  RecordType type = RecordType::extent_freed;
  Dbid dbid{};
  Pgno first{};
  std::uint32_t pages = 0;
  std::uint8_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "first", self.first);
    visit(6, "pages", self.pages);
    visit(10, "flags", self.flags);
  }

  friend bool operator==(const ExtentFreedRecord&, const ExtentFreedRecord&) = default;
};

struct ExtentFreedRecord2 {
  static constexpr std::size_t kBytes = 19;
  static constexpr RecordType kTypes[] = {RecordType::extent_freed2};

  RecordType type = RecordType::extent_freed2;
  Dbid dbid{};
  Pgno first{};
  std::uint32_t pages = 0;
  std::uint8_t flags = 0;
  Dbtime dbtime{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "dbid", self.dbid);
    visit(2, "first", self.first);
    visit(6, "pages", self.pages);
    visit(10, "flags", self.flags);
    visit(11, "dbtime", self.dbtime);
  }

  friend bool operator==(const ExtentFreedRecord2&, const ExtentFreedRecord2&) = default;
};

struct BackupRecord2 {
  static constexpr std::size_t kBytes = 35;
  static constexpr RecordType kTypes[] = {RecordType::backup2};
  static constexpr std::size_t kParts = 1;

  RecordType type = RecordType::backup2;
  std::uint8_t phase = 0;
  std::uint32_t kind = 0;
  std::uint8_t scope = 0;
  Dbid dbid{};
  BackupInfo info;
  std::uint8_t reserved = 0;
  std::uint16_t path_bytes = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "phase", self.phase);
    visit(2, "kind", self.kind);
    visit(6, "scope", self.scope);
    visit(7, "dbid", self.dbid);
    visit(8, "info", self.info);
    visit(32, "reserved", self.reserved);
    visit(33, "path_bytes", self.path_bytes);
  }

  template <class Self, class Visitor>
  static void parts(Self& self, Visitor&& visit) {
    visit("path", self.path_bytes);
  }

  friend bool operator==(const BackupRecord2&, const BackupRecord2&) = default;
};

// The bodies of three extensible records.
struct ExtendDbBody {
  static constexpr std::size_t kBytes = 5;

  Dbid dbid{};
  Pgno last{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "dbid", self.dbid);
    visit(1, "last", self.last);
  }

  friend bool operator==(const ExtendDbBody&, const ExtendDbBody&) = default;
};

struct ReattachBody {
  static constexpr std::size_t kBytes = 45;

  Dbid dbid{};
  Lgpos attach;
  Lgpos consistent;
  Signature database;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "dbid", self.dbid);
    visit(1, "attach", self.attach);
    visit(9, "consistent", self.consistent);
    visit(17, "database", self.database);
  }

  friend bool operator==(const ReattachBody&, const ReattachBody&) = default;
};

struct FreeFdpBody {
  static constexpr std::size_t kBytes = 10;

  Dbid dbid{};
  Pgno fdp{};
  Trx trx{};
  std::uint8_t kind = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "dbid", self.dbid);
    visit(1, "fdp", self.fdp);
    visit(5, "trx", self.trx);
    visit(9, "kind", self.kind);
  }

  friend bool operator==(const FreeFdpBody&, const FreeFdpBody&) = default;
};

}  // namespace stillframe::ese

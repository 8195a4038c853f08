// The databases that are attached where a log begins or a checkpoint stands, and the settings of
// the engine that wrote them. docs/formats/log-files.md has the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Informative: what the engine that wrote the file was set to.
struct LogEnvironment {
  static constexpr std::size_t kBytes = 567;
  static constexpr std::uint8_t kCircular = 1;

  std::array<char, 261> system_path{};
  std::array<char, 261> log_path{};
  std::uint8_t flags = 0;
  std::uint32_t sessions = 0, tables = 0, version_pages = 0, cursors = 0, log_buffers = 0;
  std::uint32_t log_file_segments = 0, cache_pages_max = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "system_path", self.system_path);
    visit(261, "log_path", self.log_path);
    visit(522, "flags", self.flags);
    visit(523, "sessions", self.sessions);
    visit(527, "tables", self.tables);
    visit(531, "version_pages", self.version_pages);
    visit(535, "cursors", self.cursors);
    visit(539, "log_buffers", self.log_buffers);
    visit(543, "log_file_segments", self.log_file_segments);
    visit(547, "cache_pages_max", self.cache_pages_max);
  }

  friend bool operator==(const LogEnvironment&, const LogEnvironment&) = default;
};

// The fixed part of an attachment; its path follows.
struct AttachmentEntry {
  static constexpr std::size_t kBytes = 64;
  static constexpr std::uint8_t kUtf16 = 0x20;
  static constexpr std::uint8_t kSparse = 0x40;

  Dbid dbid{};
  std::uint8_t flags = 0;
  std::uint16_t name_bytes = 0;
  Dbtime dbtime{};
  Objid objid_last{};
  std::uint32_t pages_max = 0;  // 0: no limit
  Lgpos attach, consistent;
  Signature database;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "dbid", self.dbid);
    visit(1, "flags", self.flags);
    visit(2, "name_bytes", self.name_bytes);
    visit(4, "dbtime", self.dbtime);
    visit(12, "objid_last", self.objid_last);
    visit(16, "pages_max", self.pages_max);
    visit(20, "lgpos_attach", self.attach);
    visit(28, "lgpos_consistent", self.consistent);
    visit(36, "sign_db", self.database);
  }

  friend bool operator==(const AttachmentEntry&, const AttachmentEntry&) = default;
};

struct Attachment {
  AttachmentEntry entry;
  std::string name;  // the bytes as they are, UTF-16 or not, with whatever ends them

  // The path as text: converted from UTF-16 when it is that, without what follows its NUL.
  std::string path() const;

  friend bool operator==(const Attachment&, const Attachment&) = default;
};

inline constexpr std::size_t kAttachmentsBytes = 2048;

// The list ends at a zero byte or at the end of `bytes`. An entry that runs past the end is
// `corrupt`, which is what the error should say of the file.
Result<std::vector<Attachment>> decode_attachments(Bytes bytes, const Error& corrupt);

// False, with `to` untouched, when they do not fit. Each entry's name_bytes is taken from its name.
bool encode_attachments(const std::vector<Attachment>& attachments, MutableBytes to);

// A path as log records and attachments hold it, as UTF-8: `raw` up to its NUL. Lone surrogates
// become U+FFFD, since Linux can make no use of them.
std::string logged_path(std::string_view raw, bool utf16);

// The path of that form, with its NUL. Bytes that are not UTF-8 become U+FFFD.
std::string to_logged_utf16(std::string_view path);

}  // namespace stillframe::ese

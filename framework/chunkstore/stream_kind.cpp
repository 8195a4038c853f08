#include "framework/chunkstore/stream_kind.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace stillframe::chunkstore {

namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  StreamKind kind;
};

constexpr std::array kSignatures = {
    Signature{0, "QFI\xfb"sv, StreamKind::disk_image},
    Signature{0, "KDMV"sv, StreamKind::disk_image},
    Signature{0, "vhdxfile"sv, StreamKind::disk_image},
    Signature{0, "conectix"sv, StreamKind::disk_image},
    Signature{64, "\x7f\x10\xda\xbe"sv, StreamKind::disk_image},  // VDI
    Signature{512, "EFI PART"sv, StreamKind::disk_image},
    Signature{0, "XFSB"sv, StreamKind::disk_image},
    Signature{3, "NTFS    "sv, StreamKind::disk_image},
    Signature{65600, "_BHRfS_M"sv, StreamKind::disk_image},
    Signature{0, "SQLite format 3\0"sv, StreamKind::database},
    Signature{4, "\xef\xcd\xab\x89"sv, StreamKind::database},   // ESE
    Signature{12, "\x62\x31\x05\x00"sv, StreamKind::database},  // Berkeley DB, B-tree
    Signature{12, "\x61\x15\x06\x00"sv, StreamKind::database},  // Berkeley DB, hash
};

bool has(Bytes head, const Signature& signature) {
  return head.size() >= signature.offset + signature.bytes.size() &&
         std::memcmp(head.data() + signature.offset, signature.bytes.data(),
                     signature.bytes.size()) == 0;
}

// A partition table whose entries make sense: its two signature bytes alone are in one file of
// 65,536.
bool has_partition_table(Bytes head) {
  constexpr std::size_t kEntries = 446, kEntryBytes = 16, kEntryCount = 4;
  if (head.size() < 512 || load_le<std::uint16_t>(head.data() + 510) != 0xaa55) return false;
  bool any = false;
  for (std::size_t i = 0; i < kEntryCount; ++i) {
    const std::byte* entry = head.data() + kEntries + i * kEntryBytes;
    const auto active = std::to_integer<unsigned>(entry[0]);
    if (active != 0 && active != 0x80) return false;
    const bool used = entry[4] != std::byte{0};
    if (used && load_le<std::uint32_t>(entry + 12) == 0) return false;  // without a sector
    any |= used;
  }
  return any;
}

// The superblock of ext2 to ext4, with a block size, a state and a revision that exist.
bool has_ext_superblock(Bytes head) {
  constexpr std::size_t kSuperblock = 1024;
  if (head.size() < kSuperblock + 96) return false;
  const std::byte* block = head.data() + kSuperblock;
  return load_le<std::uint16_t>(block + 56) == 0xef53 && load_le<std::uint32_t>(block + 24) <= 6 &&
         load_le<std::uint16_t>(block + 58) <= 7 && load_le<std::uint32_t>(block + 76) <= 1;
}

// PostgreSQL's files have no header: each of their first pages says its size, version 4, and
// offsets that are in order.
bool has_postgresql_pages(Bytes head) {
  constexpr std::size_t kPageBytes = 8192;
  const std::size_t pages = std::min<std::size_t>(head.size() / kPageBytes, 4);
  if (pages == 0) return false;
  for (std::size_t i = 0; i < pages; ++i) {
    const std::byte* page = head.data() + i * kPageBytes;
    const auto lower = load_le<std::uint16_t>(page + 12), upper = load_le<std::uint16_t>(page + 14);
    const auto special = load_le<std::uint16_t>(page + 16);
    if (load_le<std::uint16_t>(page + 18) != (kPageBytes | 4)) return false;
    if (lower < 24 || lower > upper || upper > special || special > kPageBytes) return false;
  }
  return true;
}

// InnoDB's first page is number 0, of the type that begins a table space, and names the space
// twice.
bool has_innodb_header(Bytes head) {
  constexpr std::uint16_t kTypeSpaceHeader = 8;
  return head.size() >= 64 && load_be<std::uint32_t>(head.data() + 4) == 0 &&
         load_be<std::uint16_t>(head.data() + 24) == kTypeSpaceHeader &&
         load_be<std::uint32_t>(head.data() + 34) == load_be<std::uint32_t>(head.data() + 38) &&
         load_be<std::uint32_t>(head.data() + 46) > 0;  // pages
}

}  // namespace

std::string_view to_string(StreamKind kind) {
  switch (kind) {
    case StreamKind::general:
      return "general";
    case StreamKind::disk_image:
      return "disk image";
    case StreamKind::database:
      return "database";
  }
  return "unknown";
}

std::string_view to_string(Cutting cutting) {
  return cutting == Cutting::aligned ? "aligned" : "by content";
}

StreamKind stream_kind(Bytes head) {
  for (const Signature& signature : kSignatures) {
    if (has(head, signature)) return signature.kind;
  }
  if (has_partition_table(head) || has_ext_superblock(head)) return StreamKind::disk_image;
  if (has_postgresql_pages(head) || has_innodb_header(head)) return StreamKind::database;
  return StreamKind::general;
}

}  // namespace stillframe::chunkstore

// What a backup set holds, file by file: `manifest.json`. Schema:
// docs/schemas/backup-set-manifest.schema.json. Its SHA-256 is what a receipt carries, so whoever
// holds the receipt can tell whether the set is still the one that was published.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/evidence.hpp>

namespace stillframe::requestor {

inline constexpr std::uint32_t kManifestMajor = 1;
inline constexpr std::uint32_t kManifestMinor = 2;
inline constexpr std::size_t kManifestBytesMax = std::size_t{1} << 30;
inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kDataName = "data";

// Special files have no content that could be stored. Pipes and devices are made again at restore;
// a socket is only noted, because nobody but the program that listens on it can make it.
enum class FileKind {
  regular,
  directory,
  symlink,
  fifo,
  character_device,
  block_device,
  socket,
};
constexpr bool is_special(FileKind kind) noexcept {
  return kind >= FileKind::fifo;
}
std::string_view to_string(FileKind kind) noexcept;  // "character_device"

// How a file came into the set.
enum class FileOrigin { snapshot, live, stream };

// Who owns a file and everything about it that is not content. ACLs are extended attributes
// (system.posix_acl_*), so they are kept without being understood.
struct FileAttributes {
  std::uint32_t mode = 0;  // permission bits, set-id and sticky
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::int64_t accessed_ns = 0;
  std::map<std::string, std::string> xattrs;  // name to bytes; both may be any bytes
  friend bool operator==(const FileAttributes&, const FileAttributes&) = default;
};

// One stored file. Its bytes are at data/<path without the leading slash>, a sparse file with the
// same offsets as the original; of a partial file only `ranges` are there.
struct ManifestFile {
  BytePath path;  // absolute, where the component's file set names it: never the alternate path
  FileKind kind = FileKind::regular;
  FileOrigin origin = FileOrigin::snapshot;
  std::vector<std::uint32_t> components;  // who owns it: indices into BackupManifest::components
  std::uint64_t size = 0;
  std::string sha256;    // regular: of the content, or of `ranges` one after the other
  BytePath link_target;  // symlink
  std::uint32_t device_major = 0, device_minor = 0;  // devices: which
  std::uint64_t link_group = 0;  // files with the same number, not 0, are names of one file
  bool is_log = false;
  bool partial = false;
  std::vector<ByteRange> ranges;   // partial: what is stored
  std::vector<ByteRange> extents;  // regular and sparse: where data is; empty means everywhere
  FileAttributes attributes;
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

// Files of an increment that are said in full: what earlier sets have of them besides is gone.
struct CompleteFiles {
  BytePath path, pattern;  // of a file set
  bool recursive = false;
  friend bool operator==(const CompleteFiles&, const CompleteFiles&) = default;
};

struct ManifestComponent {
  WriterClassId writer_class;
  std::string instance_name;
  ComponentName name;
  bool succeeded = false;
  std::string failure;  // why not, for people
  std::optional<ChainBase> base;
  // Log generations that came with a stream, for a restore's registration; low > high: none.
  std::uint64_t log_low = 1, log_high = 0;
  // Of an increment, the file sets that are in full what this set has and what is kept of those
  // that it builds on, by original path.
  std::vector<CompleteFiles> complete;
  std::vector<BytePath> kept;
  friend bool operator==(const ManifestComponent&, const ManifestComponent&) = default;
};

// A document beside the data, by its path inside the set.
struct ManifestDocument {
  std::string path;  // "documents/backup.json"
  std::string kind;  // "backup", "evidence", "writer"
  std::uint64_t size = 0;
  std::string sha256;
  friend bool operator==(const ManifestDocument&, const ManifestDocument&) = default;
};

struct BackupManifest {
  BackupId backup;
  SessionId session;
  SetId set;
  BackupType type = BackupType::copy;
  std::string host;
  WallTime created;
  std::vector<ManifestComponent> components;
  std::vector<ManifestDocument> documents;
  std::vector<ManifestFile> files;  // sorted by path, each path once
  friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

std::string to_json(const BackupManifest& manifest);

// Refuses what no writer of manifests would have made: paths that are relative, leave the root or
// come twice, indices out of range, hashes that are none, ranges that overlap or pass the end.
Result<BackupManifest> parse_manifest(std::string_view json);

// Whether `path` is absolute with no empty, "." or ".." part: safe to stand below any root.
bool is_stored_path(std::string_view path) noexcept;

}  // namespace stillframe::requestor

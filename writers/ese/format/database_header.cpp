#include "writers/ese/format/database_header.hpp"

#include <algorithm>
#include <optional>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kMagicAt = 4;
// The newest update of which a database has been read; later ones may have changed the pages.
constexpr std::uint32_t kUpdateMajorMax = 300;

// The header at `at`, if the bytes there are one of pages of `page_bytes`.
std::optional<DatabaseHeader> whole_copy(Bytes start, std::size_t at, std::size_t page_bytes) {
  if (start.size() < at + page_bytes) return std::nullopt;
  const Bytes page = start.subspan(at, page_bytes);
  const auto header = decode<DatabaseHeader>(page);
  const bool whole = header.magic == kHeaderMagic && header.page_size() == page_bytes &&
                     header.checksum == xor_checksum(page);
  return whole ? std::optional(header) : std::nullopt;
}

Status check_kind(const DatabaseHeader& header, std::string_view name) {
  const auto refuse = [&](std::string why) {
    return ese_error(EseErr::invalid_database_version, "'" + std::string(name) + "' " + why);
  };
  if (header.file_type != FileType::unset && header.file_type != FileType::database) {
    return refuse("is not a database but a " + std::string(name_of(header.file_type)));
  }
  if (header.version != kDatabaseVersion || header.update_major > kUpdateMajorMax) {
    return refuse("is of database version " + std::to_string(header.version) + "," +
                  std::to_string(header.update_major) + ", newer or other than this program reads");
  }
  return Ok{};
}

HeaderCopies judge(const std::optional<DatabaseHeader>& primary,
                   const std::optional<DatabaseHeader>& shadow) {
  if (!primary) return HeaderCopies::primary_bad;
  if (!shadow) return HeaderCopies::shadow_bad;
  return *primary == *shadow ? HeaderCopies::equal : HeaderCopies::shadow_stale;
}

}  // namespace

std::string_view name_of(DbState state) noexcept {
  switch (state) {
    case DbState::just_created:
      return "JustCreated";
    case DbState::dirty_shutdown:
      return "DirtyShutdown";
    case DbState::clean_shutdown:
      return "CleanShutdown";
    case DbState::being_converted:
      return "BeingConverted";
    case DbState::force_detach:
      return "ForceDetach";
    case DbState::incremental_reseed_in_progress:
      return "IncrementalReseedInProgress";
    case DbState::dirty_and_patched_shutdown:
      return "DirtyAndPatchedShutdown";
    case DbState::revert_in_progress:
      return "RevertInProgress";
  }
  return "unknown";
}

std::string_view name_of(FileType type) noexcept {
  switch (type) {
    case FileType::unset:
      return "file without a type";
    case FileType::database:
      return "database";
    case FileType::log:
      return "log file";
    case FileType::checkpoint:
      return "checkpoint";
    case FileType::flush_map:
      return "flush map";
    case FileType::revert_snapshot:
      return "revert snapshot";
  }
  return "file of unknown type";
}

std::string_view name_of(HeaderCopies copies) noexcept {
  switch (copies) {
    case HeaderCopies::equal:
      return "equal";
    case HeaderCopies::shadow_stale:
      return "shadow_stale";
    case HeaderCopies::shadow_bad:
      return "shadow_bad";
    case HeaderCopies::primary_bad:
      return "primary_bad";
  }
  return "unknown";
}

void set_state(DatabaseHeader& header, DbState state, Generation low, Generation high) {
  const bool clean = state == DbState::clean_shutdown;
  header.state = state;
  header.gen_min_required = header.gen_min_consistent = clean ? Generation::none : low;
  header.gen_max_required = header.gen_max_committed = clean ? Generation::none : high;
  if (clean) header.time_gen_max_create = header.time_gen_max_required = LogTime{};
  if (state != DbState::dirty_shutdown) {
    header.gen_pre_redo_min_consistent = header.gen_pre_redo_min_required = Generation::none;
  }
}

void seal_header(const DatabaseHeader& header, MutableBytes page) {
  STILLFRAME_CHECK(page.size() == header.page_size(), "a header fills a page of its own database");
  std::fill(page.begin(), page.end(), std::byte{0});
  encode(header, page);
  store_le(page.data(), xor_checksum(page));
}

Result<HeaderFound> find_header(Bytes start, std::string_view name) {
  const std::string quoted = "'" + std::string(name) + "'";
  for (std::size_t size = kPageBytesMin; size <= kPageBytesMax; size *= 2) {
    const auto primary = whole_copy(start, 0, size);
    const auto shadow = whole_copy(start, size, size);
    if (!primary && !shadow) continue;
    const HeaderFound found{primary ? *primary : *shadow, judge(primary, shadow)};
    if (Status kind = check_kind(found.header, name); !kind.ok()) return kind.error();
    return found;
  }
  const bool looks_like_one = start.size() >= kMagicAt + 4 &&
                              load_le<std::uint32_t>(start.data() + kMagicAt) == kHeaderMagic;
  return looks_like_one
             ? ese_error(EseErr::read_verify_failure,
                         quoted +
                             ": neither copy of the database header has a right checksum; "
                             "recover the file from a backup")
             : ese_error(EseErr::invalid_database_version,
                         quoted + " does not begin like an ESE database");
}

}  // namespace stillframe::ese

#include "writers/ese/format/backup_trailer.hpp"

#include <algorithm>
#include <string>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

void seal_backup_trailer(const BackupTrailer& trailer, MutableBytes page) {
  STILLFRAME_CHECK(page.size() >= kPageBytesMin, "a trailer fills a page of its own database");
  std::fill(page.begin(), page.end(), std::byte{0});
  encode(trailer, page);
  store_le(page.data(), xor_checksum(page));
}

Result<BackupTrailer> read_backup_trailer(Bytes page, std::string_view name) {
  const auto bad = [&](EseErr err, const std::string& why) {
    return ese_error(err, "the last page of '" + std::string(name) + "' " + why +
                              "; copy the database from the backup again");
  };
  const bool zeros =
      std::all_of(page.begin(), page.end(), [](std::byte b) { return b == std::byte{0}; });
  const bool whole = page.size() >= kPageBytesMin && page.size() % sizeof(std::uint32_t) == 0;
  if (!whole || zeros) {
    return bad(EseErr::missing_patch_page, "is not the trailer that ends a copied database");
  }
  const auto trailer = decode<BackupTrailer>(page);
  if (trailer.checksum == xor_checksum(page)) return trailer;
  return bad(EseErr::bad_patch_page,
             "should be the trailer of a copied database, and does not match its checksum");
}

Result<DatabaseHeader> merge_backup_trailer(const DatabaseHeader& header,
                                            const BackupTrailer& trailer, std::string_view name) {
  if (trailer.database != header.sign_db || trailer.log != header.sign_log ||
      trailer.info.mark != header.full_current.mark) {
    return ese_error(EseErr::database_patch_file_mismatch,
                     "'" + std::string(name) +
                         "' begins with the header of one copy and ends with the trailer of "
                         "another; copy it from the backup again");
  }
  DatabaseHeader merged = header;
  merged.full_current.high = trailer.info.high;
  const auto raise = [](Generation& value, LogTime& time, Generation to, LogTime to_time) {
    if (to <= value) return;
    value = to;
    time = to_time;
  };
  const bool says_ranges = trailer.gen_max_required != Generation::none;
  if (says_ranges) {
    raise(merged.gen_max_required, merged.time_gen_max_required, trailer.gen_max_required,
          trailer.time_gen_max_required);
    raise(merged.gen_max_committed, merged.time_gen_max_create, trailer.gen_max_committed,
          trailer.time_gen_max_create);
  } else {
    raise(merged.gen_max_required, merged.time_gen_max_required, trailer.info.high, {});
    raise(merged.gen_max_committed, merged.time_gen_max_create, trailer.info.high, {});
  }
  merged.gen_min_consistent = merged.gen_min_required;
  return merged;
}

}  // namespace stillframe::ese

// The last page of a database that was copied while it was in use: what it takes to recover the
// copy. docs/formats/backup-trailer.md has the bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct BackupTrailer {
  static constexpr std::size_t kBytes = 148;

  std::uint32_t checksum = 0;
  BackupInfo info;  // its newest generation is that in which the copy of this database ended
  Signature database, log;
  // As the header had it at that moment; zeros from engines that did not say.
  Generation gen_min_required{}, gen_max_required{}, gen_max_committed{};
  LogTime time_gen_max_required, time_gen_max_create;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(40, "info", self.info);
    visit(64, "sign_db", self.database);
    visit(92, "sign_log", self.log);
    visit(120, "gen_min_required", self.gen_min_required);
    visit(124, "gen_max_required", self.gen_max_required);
    visit(128, "gen_max_committed", self.gen_max_committed);
    visit(132, "time_gen_max_required", self.time_gen_max_required);
    visit(140, "time_gen_max_create", self.time_gen_max_create);
  }

  friend bool operator==(const BackupTrailer&, const BackupTrailer&) = default;
};

// Fills all of `page` with the trailer and its checksum.
void seal_backup_trailer(const BackupTrailer& trailer, MutableBytes page);

// `name` is that of the copy. missing_patch_page for a page of zeros, bad_patch_page for one with
// another checksum.
Result<BackupTrailer> read_backup_trailer(Bytes page, std::string_view name);

// The header of a copy as recovery has to know it: the ranges are those at the end of the copy.
// database_patch_file_mismatch when the two are not of one copy.
Result<DatabaseHeader> merge_backup_trailer(const DatabaseHeader& header,
                                            const BackupTrailer& trailer, std::string_view name);

}  // namespace stillframe::ese

// link: stillframe_ese_format
// The trailer of a copied database: what is read is written again with the same bytes where fields
// are, and ranges only grow.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "framework/base/check.hpp"
#include "writers/ese/format/backup_trailer.hpp"
#include "writers/ese/format/checksum.hpp"

using namespace stillframe;
using namespace stillframe::ese;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> page(begin, begin + size);
  (void)read_backup_trailer(page, "fuzz.edb").ok();
  page.resize(kPageBytesMin);
  store_le(page.data(), xor_checksum(page));
  const auto read = read_backup_trailer(page, "fuzz.edb");
  if (!read.ok()) return 0;
  std::vector<std::byte> again(kPageBytesMin);
  seal_backup_trailer(read.value(), again);
  const auto back = read_backup_trailer(again, "fuzz.edb");
  STILLFRAME_CHECK(back.ok() && back.value().info == read.value().info &&
                       back.value().database == read.value().database,
                   "a trailer changed on its way");
  DatabaseHeader header;
  header.sign_db = read.value().database;
  header.sign_log = read.value().log;
  header.full_current.mark = read.value().info.mark;
  set_state(header, DbState::dirty_shutdown, Generation{3}, Generation{7});
  const auto merged = merge_backup_trailer(header, read.value(), "fuzz.edb");
  STILLFRAME_CHECK(merged.ok(), "a trailer does not belong to the header it was made for");
  STILLFRAME_CHECK(merged.value().gen_max_required >= Generation{7} &&
                       merged.value().gen_max_committed >= Generation{7},
                   "a trailer made a header need less");
  return 0;
}

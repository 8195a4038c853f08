// link: stillframe_providers
// Records lie on volumes that other systems may have written to.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/base/path.hpp"
#include "framework/providers/btrfs/revert_journal.hpp"
#include "framework/providers/common/snapshot_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto record = stillframe::parse_snapshot_record(text); record.ok()) {
    if (!stillframe::is_safe_relative(record.value().view)) abort();
    for (const auto& each : record.value().subvolumes) {
      if (!stillframe::is_safe_relative(each.place)) abort();
    }
    auto again = stillframe::parse_snapshot_record(to_json(record.value()));
    if (!again.ok() || !(again.value() == record.value())) abort();
  }
  if (auto journal = stillframe::parse_revert_journal(text); journal.ok()) {
    if (!stillframe::is_safe_relative(journal.value().aside)) abort();
    auto again = stillframe::parse_revert_journal(to_json(journal.value()));
    if (!again.ok() || !(again.value() == journal.value())) abort();
  }
  return 0;
}

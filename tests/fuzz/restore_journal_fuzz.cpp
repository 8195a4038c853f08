// link: stillframe_requestor_engine
// Any bytes as a restore journal: an error, or a journal that survives being written again and
// whose every name stays below the folder it was given.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/base/path.hpp"
#include "requestor/restore/restore_journal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::requestor;
  const auto journal = parse_restore_journal({reinterpret_cast<const char*>(data), size});
  if (!journal.ok()) {
    const Errc code = journal.error().code();
    if (code != Errc::corrupt && code != Errc::future_version) std::abort();
    return 0;
  }
  for (std::size_t i = 0; i < journal.value().entries.size(); ++i) {
    const JournalEntry& entry = journal.value().entries[i];
    const bool safe = is_stored_path(entry.root) && is_safe_relative(entry.relative) &&
                      is_safe_relative(journal.value().aside_name(i)) &&
                      is_safe_relative(journal.value().new_name(i)) &&
                      entry.source_ranges.size() == entry.destination_ranges.size();
    if (!safe) std::abort();
  }
  const auto again = parse_restore_journal(to_json(journal.value()));
  if (!again.ok() || !(again.value() == journal.value())) std::abort();
  return 0;
}

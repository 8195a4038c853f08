// link: stillframe_io
// The table of mounts holds bytes that any user who may mount chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/io/mountinfo.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto table = stillframe::parse_mountinfo(text);
  if (!table.ok()) return table.error().code() == stillframe::Errc::corrupt ? 0 : (abort(), 0);
  for (const auto& entry : table.value()) {
    if (entry.fs_type.empty() || entry.super_options.empty()) abort();
    (void)entry.read_only();
  }
  return 0;
}

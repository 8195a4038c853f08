// link: stillframe_command_provider
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/providers/command/command_provider.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  auto options = parse_command_provider({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!options.ok()) return 0;
  if (options.value().program.command.empty() || !options.value().info) std::abort();
  return 0;
}

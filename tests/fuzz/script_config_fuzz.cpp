// link: stillframe_script_file
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "writers/script/script_config.hpp"

// What is accepted keeps the promises that the writer relies on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  auto config =
      script::parse_script_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!config.ok()) return 0;
  if (config.value().components.empty()) std::abort();
  if (config.value().commands.freeze.empty() != config.value().commands.thaw.empty()) std::abort();
  for (const Component& component : config.value().components) {
    for (const FileSet& files : component.files) {
      if (files.path.empty() || files.path[0] != '/') std::abort();
    }
  }
  return 0;
}

// An engine that can be killed: shows the volume on DEVICE at PLACE until then.
//
//   view_engine TYPE DEVICE PLACE STORE_UUID
#include <cstdio>

#include <unistd.h>

#include "framework/io/mounts.hpp"
#include "tests/dedup/volume/open_volume.hpp"
#include "writers/dedup/view/view.hpp"

using namespace stillframe;

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  auto root = mount_detached(argv[1], argv[2], {});
  const auto id = parse_uuid(argv[4]);
  if (!root.ok() || !id.ok()) return 1;
  const auto files = posix_files();
  const BytePath folder =
      "/proc/self/fd/" + std::to_string(root.value().get()) + "/" + dedup::kVolumeFolder;
  auto volume = dedup::tests::OpenVolume::open(*files, folder, id.value());
  if (!volume.ok()) return 1;
  auto view = dedup::View::mount(
      Descriptor(::dup(root.value().get())), argv[3], volume.value().parts(),
      [](const Error& error) { std::fprintf(stderr, "%s\n", error.what().c_str()); });
  if (!view.ok()) {
    std::fprintf(stderr, "%s\n", view.error().what().c_str());
    return 1;
  }
  return view.value()->run().ok() ? 0 : 1;
}

#include "tests/bench/dedup/data_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>

#include <fcntl.h>

#include "framework/io/file.hpp"
#include "tests/bench/chunkstore_data.hpp"

namespace stillframe::dedup::bench {

namespace {

using chunkstore::bench::FileLikeBytes;

constexpr std::uint64_t kFileBytesMin = 512, kFileBytesMax = std::uint64_t{4} << 20;
constexpr std::uint64_t kFilesPerFolder = 40;
constexpr std::uint64_t kEditedOneIn = 5, kRewrittenOneIn = 4;
constexpr std::uint64_t kPlacesMax = 8, kPlaceBytesMin = 16, kPlaceBytesMax = 16 << 10;

constexpr std::uint64_t kWrittenRunBytes = std::uint64_t{8} << 20, kUnusedOneIn = 4;
constexpr std::uint64_t kChangeBytesMax = std::uint64_t{1} << 20, kChangedOneIn = 10;

// Seeds of different things must not meet; splitmix64's last step.
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15 + b;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) | 1;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  // Each magnitude as often as another.
  std::uint64_t magnitude(std::uint64_t least, std::uint64_t most) {
    const double share = static_cast<double>(random_() >> 11) / 9007199254740992.0;
    const double ratio = static_cast<double>(most) / static_cast<double>(least);
    return static_cast<std::uint64_t>(static_cast<double>(least) * std::pow(ratio, share));
  }
  std::uint64_t seed() { return random_() | 1; }

 private:
  std::mt19937_64 random_;
};

void edit(std::vector<std::byte>& content, Dice& dice) {
  for (std::uint64_t places = 1 + dice.below(kPlacesMax); places > 0; --places) {
    const auto bytes = dice.magnitude(kPlaceBytesMin, kPlaceBytesMax);
    const auto at = content.begin() + static_cast<std::ptrdiff_t>(dice.below(content.size() + 1));
    const auto left = static_cast<std::uint64_t>(content.end() - at);
    const auto in_file = static_cast<std::ptrdiff_t>(std::min(bytes, left));
    const std::uint64_t what = dice.below(3);
    const auto fresh = FileLikeBytes(dice.seed()).make(bytes);
    if (what == 0) {
      content.insert(at, fresh.begin(), fresh.end());
    } else if (what == 1) {
      content.erase(at, at + in_file / 2);  // so that something is left
    } else {
      std::copy(fresh.begin(), fresh.begin() + in_file, at);
    }
  }
}

Status write_tree(const DataSetSpec& spec, Generation generation, const std::string& folder) {
  for (const TreeFile& file : tree_files(spec)) {
    const std::filesystem::path path = folder + "/" + file.path;
    std::filesystem::create_directories(path.parent_path());
    const auto handle = open_file(path.string(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!handle.ok()) return handle.error();
    const auto content = content_of(file, generation);
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    if (Status s = write_all(handle.value().get(), text, path.string()); !s.ok()) return s;
  }
  return Ok{};
}

// Of the first block, without which it would not be told for a disk.
void put_partition_table(std::vector<std::byte>& first_run) {
  std::memcpy(first_run.data() + 512, "EFI PART", 8);
}

void write_runs(const std::vector<ImageRun>& runs, std::vector<std::byte>& image) {
  for (const ImageRun& run : runs) {
    if (run.seed == 0) continue;
    const auto content = FileLikeBytes(run.seed).make(run.blocks * kImageBlockBytes);
    std::memcpy(image.data() + run.block * kImageBlockBytes, content.data(), content.size());
  }
}

Status write_image(const DataSetSpec& spec, Generation generation, const std::string& path) {
  const ImageLayout layout = image_layout(spec);
  std::vector<std::byte> image(layout.blocks * kImageBlockBytes);
  write_runs(layout.runs, image);
  if (generation == Generation::second) write_runs(layout.changes, image);
  put_partition_table(image);
  const auto handle = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!handle.ok()) return handle.error();
  return write_all(handle.value().get(),
                   {reinterpret_cast<const char*>(image.data()), image.size()}, path);
}

}  // namespace

std::vector<TreeFile> tree_files(const DataSetSpec& spec) {
  Dice dice(mixed(spec.seed, 1));
  std::vector<TreeFile> files;
  std::uint64_t left = spec.bytes / 4;
  while (left > 0) {
    const std::uint64_t number = files.size();
    const std::uint64_t bytes = std::min(left, dice.magnitude(kFileBytesMin, kFileBytesMax));
    files.push_back(
        {"folder-" + std::to_string(number / kFilesPerFolder) + "/file-" + std::to_string(number),
         dice.seed(), bytes, dice.below(kEditedOneIn) == 0});
    left -= bytes;
  }
  return files;
}

std::vector<std::byte> content_of(const TreeFile& file, Generation generation) {
  if (generation == Generation::first || !file.edited) {
    return FileLikeBytes(file.seed).make(file.bytes);
  }
  Dice dice(mixed(file.seed, 2));
  if (dice.below(kRewrittenOneIn) == 0) return FileLikeBytes(dice.seed()).make(file.bytes);
  auto content = FileLikeBytes(file.seed).make(file.bytes);
  edit(content, dice);
  return content;
}

ImageLayout image_layout(const DataSetSpec& spec) {
  Dice dice(mixed(spec.seed, 3));
  ImageLayout layout;
  layout.blocks = std::max<std::uint64_t>(spec.bytes / 4 / kImageBlockBytes, 1);
  for (std::uint64_t at = 0; at < layout.blocks;) {
    const std::uint64_t bytes = dice.magnitude(kImageBlockBytes, 2 * kWrittenRunBytes);
    const std::uint64_t blocks = std::min(bytes / kImageBlockBytes, layout.blocks - at);
    const bool unused = at > 0 && dice.below(kUnusedOneIn) == 0;
    layout.runs.push_back({at, blocks, unused ? 0 : dice.seed()});
    at += blocks;
  }
  std::vector<bool> touched(layout.blocks);
  for (std::uint64_t count = 0; count < layout.blocks / kChangedOneIn;) {
    const std::uint64_t at = dice.below(layout.blocks);
    const std::uint64_t wanted = dice.magnitude(kImageBlockBytes, kChangeBytesMax);
    const std::uint64_t blocks = std::min(wanted / kImageBlockBytes, layout.blocks - at);
    layout.changes.push_back({at, blocks, dice.seed()});
    for (std::uint64_t i = at; i < at + blocks; ++i) {
      count += touched[i] ? 0 : 1;
      touched[i] = true;
    }
  }
  return layout;
}

Status write_generation(const DataSetSpec& spec, Generation generation, const std::string& folder) {
  if (Status s = write_tree(spec, generation, folder + "/tree"); !s.ok()) return s;
  return write_image(spec, generation, folder + "/image.raw");
}

}  // namespace stillframe::dedup::bench

// The data that deduplicating programs are measured with: two generations of a file tree and a disk
// image, of which the second is the first with changes. The same on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"

namespace stillframe::dedup::bench {

struct DataSetSpec {
  std::uint64_t seed = 1;
  std::uint64_t bytes = 2'160'000'000;  // of both generations; half of each is the tree
};

enum class Generation { first, second };

// One file of the tree, `path` relative to it. Sizes reach from 512 bytes to 4 MiB, each magnitude
// as often as another.
struct TreeFile {
  std::string path;
  std::uint64_t seed = 0;
  std::uint64_t bytes = 0;  // in the first generation
  bool edited = false;      // every fifth file, told by its seed
};

std::vector<TreeFile> tree_files(const DataSetSpec& spec);

// Every fourth file that was edited was written anew. In the others a few places changed: some
// bytes to some thousand were put in, taken out or replaced.
std::vector<std::byte> content_of(const TreeFile& file, Generation generation);

// A disk of blocks of 4 KiB with a partition table, a quarter of it never used. The second
// generation has written runs of 4 KiB to 1 MiB anew, wherever they fell, until a tenth of the
// blocks was touched.
constexpr std::size_t kImageBlockBytes = 4096;

// A run of the image's blocks.
struct ImageRun {
  std::uint64_t block = 0, blocks = 0;
  std::uint64_t seed = 0;  // of the content; 0: never written
};
struct ImageLayout {
  std::uint64_t blocks = 0;
  std::vector<ImageRun> runs;     // of the first generation: all of it, in order
  std::vector<ImageRun> changes;  // of the second, in the order of their writing
};

ImageLayout image_layout(const DataSetSpec& spec);

// Writes `folder`/tree and `folder`/image.raw. `folder` exists and is empty.
Status write_generation(const DataSetSpec& spec, Generation generation, const std::string& folder);

}  // namespace stillframe::dedup::bench

// What the benchmark of the chunk store puts into it.
#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "framework/base/bytes.hpp"

namespace stillframe::chunkstore::bench {

using Blob = std::vector<std::byte>;

// Files as a compressor sees them: a quarter is noise, as of pictures and archives; the rest says
// again, in pieces of some bytes to some hundred, what it said before, mostly not long before.
// It compresses to about a half. The same on every machine.
class FileLikeBytes {
 public:
  explicit FileLikeBytes(std::uint64_t seed) : random_(seed) {}

  Blob make(std::size_t bytes) {
    Blob data;
    data.reserve(bytes + kPartBytes + kCopyMax);
    while (data.size() < bytes) {
      const std::size_t end = data.size() + kPartBytes;
      if (random_() % 4 == 0) {
        add_noise(data, end);
      } else {
        add_text(data, end);
      }
    }
    data.resize(bytes);
    return data;
  }

 private:
  static constexpr std::size_t kPartBytes = 128 << 10, kCopyMax = 1024;

  void add_noise(Blob& data, std::size_t end) {
    while (data.size() < end) {
      const std::uint64_t each = random_();
      const auto from = reinterpret_cast<const std::byte*>(&each);
      data.insert(data.end(), from, from + sizeof each);
    }
  }

  void add_text(Blob& data, std::size_t end) {
    const std::size_t begin = data.size();
    while (data.size() < end) {
      for (auto count = 1 + random_() % 8; count-- > 0;) data.push_back(letter());
      const std::size_t written = data.size() - begin;
      const std::size_t distance = up_to(written);
      std::size_t count = 4 + random_() % 12;
      if (random_() % 8 == 0) count += up_to(kCopyMax - 16);
      for (; count > 0; --count) data.push_back(data[data.size() - distance]);
    }
  }

  // Few letters are frequent, most are not.
  std::byte letter() { return static_cast<std::byte>(32 + random_() % (1 + random_() % 96)); }

  // From 1 to `most`, each magnitude as often as another.
  std::size_t up_to(std::size_t most) {
    const double share = static_cast<double>(random_() >> 11) / 9007199254740992.0;
    return static_cast<std::size_t>(std::exp(share * std::log(static_cast<double>(most))));
  }

  std::mt19937_64 random_;
};

// The contents of the files below `folder`, in the order of their names and one behind the other,
// up to `bytes`; less if there is less.
inline Blob bytes_of_files(const std::filesystem::path& folder, std::size_t bytes) {
  std::vector<std::filesystem::path> names;
  std::error_code error;
  using Walk = std::filesystem::recursive_directory_iterator;
  for (Walk at(folder, std::filesystem::directory_options::skip_permission_denied, error);
       !error && at != Walk(); at.increment(error)) {
    if (at->is_regular_file(error) && !at->is_symlink(error)) names.push_back(at->path());
  }
  std::sort(names.begin(), names.end());
  Blob data;
  for (const auto& name : names) {
    if (data.size() >= bytes) break;
    std::ifstream file(name, std::ios::binary);
    const auto size = std::filesystem::file_size(name, error);
    if (error || !file) continue;
    const std::size_t before = data.size();
    data.resize(before + std::min<std::size_t>(size, bytes - before));
    file.read(reinterpret_cast<char*>(data.data() + before),
              static_cast<std::streamsize>(data.size() - before));
    data.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  return data;
}

}  // namespace stillframe::chunkstore::bench

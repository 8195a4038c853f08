// Keys and ciphers of tests, and what is found in the files of a store.
#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "framework/chunkstore/store_key.hpp"
#include "tests/chunkstore/random_bytes.hpp"

namespace stillframe::chunkstore::tests {

inline Key256 some_key(std::uint8_t number) {
  std::array<std::uint8_t, Key256::kBytes> bytes{};
  bytes.fill(number);
  return Key256(bytes);
}

inline std::shared_ptr<const StoreCipher> some_cipher(std::uint8_t number = 1) {
  return std::make_shared<const StoreCipher>(some_key(number));
}

// The worst generator there is: always the same.
inline void random_without_chance(MutableBytes into) {
  std::fill(into.begin(), into.end(), std::byte{7});
}

using Image = std::map<BytePath, Blob>;

// All files of a folder with two levels.
inline Image image_of(Files& files, const BytePath& folder) {
  Image image;
  for (const BytePath& below : {folder, folder + "/containers"}) {
    const auto names = files.list(below);
    if (!names.ok()) continue;
    for (const BytePath& name : names.value()) {
      const auto file = files.open(below + "/" + name, FileAccess::read);
      if (!file.ok()) continue;
      Blob bytes(file.value()->size().value());
      if (file.value()->read(0, bytes).ok()) image[below + "/" + name] = bytes;
    }
  }
  return image;
}

inline bool has_anywhere(const Image& image, Bytes wanted) {
  return std::any_of(image.begin(), image.end(), [&](const auto& file) {
    return std::search(file.second.begin(), file.second.end(), wanted.begin(), wanted.end()) !=
           file.second.end();
  });
}

}  // namespace stillframe::chunkstore::tests

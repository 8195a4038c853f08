// The images of pages that records of splits and merges carry. docs/formats/log-records.md has
// the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

struct PageImageFlags {
  static constexpr std::uint32_t kDehydrated = 1, kCompressed = 2;
};

// Expands compressed data; the result may not be longer than `bytes_max`. Given by whoever has the
// compression of columns, which is the same.
using Decompress = std::function<Result<std::vector<std::byte>>(Bytes data, std::size_t bytes_max)>;

// The page of `page_bytes` that an image of a record stands for. `where` names the record in
// errors, which are log_corrupted, or those of `decompress`.
Result<std::vector<std::byte>> restore_page_image(Bytes image, std::uint32_t flags,
                                                  std::size_t page_bytes,
                                                  const Decompress& decompress,
                                                  const std::string& where);

// A page without its free space: what is behind the last node moves up. The page's free space must
// be in one piece, as it is after a compaction; none is taken out otherwise.
std::vector<std::byte> dehydrate_page(Bytes page);

// Puts the free space back. `image` holds a page header and its tags at least, and has at most
// `page_bytes`; an error (log_corrupted) otherwise.
Result<std::vector<std::byte>> rehydrate_page(Bytes image, std::size_t page_bytes,
                                              const std::string& where);

}  // namespace stillframe::ese

#include "writers/ese/format/record_image.hpp"

#include <algorithm>

#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kSmallPageMax = 8192;
constexpr std::size_t kFreeBytesAt = 28, kDataEndAt = 32, kTagStateAt = 34;
constexpr std::size_t kTagBytes = 4;
constexpr std::uint16_t kTagCountMask = 0xFFF;

std::size_t page_header_bytes(std::size_t page_bytes) {
  return page_bytes > kSmallPageMax ? 80 : 40;
}

std::size_t tags_bytes(Bytes page) {
  return (load_le<std::uint16_t>(page.data() + kTagStateAt) & kTagCountMask) * kTagBytes;
}

void add_free_bytes(std::vector<std::byte>& page, std::size_t bytes) {
  const auto free = load_le<std::uint16_t>(page.data() + kFreeBytesAt);
  store_le(page.data() + kFreeBytesAt, static_cast<std::uint16_t>(free + bytes));
}

Error bad_image(const std::string& where, const char* why) {
  return ese_error(EseErr::log_corrupted, where + ": the page image in it " + why);
}

}  // namespace

std::vector<std::byte> dehydrate_page(Bytes page) {
  std::vector<std::byte> image(page.begin(), page.end());
  const std::size_t data_end = page_header_bytes(page.size()) +
                               std::size_t{load_le<std::uint16_t>(page.data() + kDataEndAt)};
  const std::size_t tags = tags_bytes(page);
  const std::size_t free = load_le<std::uint16_t>(page.data() + kFreeBytesAt);
  if (data_end + tags > page.size() || page.size() - data_end - tags != free) return image;
  const auto at = [&](std::size_t i) { return image.begin() + static_cast<std::ptrdiff_t>(i); };
  image.erase(at(data_end), at(page.size() - tags));
  add_free_bytes(image, std::size_t{0} - free);
  return image;
}

Result<std::vector<std::byte>> rehydrate_page(Bytes image, std::size_t page_bytes,
                                              const std::string& where) {
  if (image.size() > page_bytes) return bad_image(where, "is longer than a page");
  const std::size_t header = page_header_bytes(page_bytes);
  if (image.size() < header) return bad_image(where, "is shorter than a page's header");
  const std::size_t tags = tags_bytes(image);
  if (tags > image.size() - header) return bad_image(where, "has more tags than bytes");
  const std::size_t gap = page_bytes - image.size();
  const Bytes front = image.first(image.size() - tags), back = image.last(tags);
  std::vector<std::byte> page(front.begin(), front.end());
  page.resize(front.size() + gap);
  page.insert(page.end(), back.begin(), back.end());
  add_free_bytes(page, gap);
  return page;
}

Result<std::vector<std::byte>> restore_page_image(Bytes image, std::uint32_t flags,
                                                  std::size_t page_bytes,
                                                  const Decompress& decompress,
                                                  const std::string& where) {
  std::vector<std::byte> plain;
  if ((flags & PageImageFlags::kCompressed) != 0) {
    auto expanded = decompress(image, page_bytes);
    if (!expanded.ok()) return expanded.error().while_doing(where);
    plain = std::move(expanded).value();
  } else {
    plain.assign(image.begin(), image.end());
  }
  return rehydrate_page(plain, page_bytes, where);
}

}  // namespace stillframe::ese

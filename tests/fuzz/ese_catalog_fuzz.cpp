// link: stillframe_ese_format
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/verify.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::ese;

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint32_t kPages = 30;

// Thirty pages, of which the catalog's root is filled; all others are zero.
class Pages final : public PageSource {
 public:
  Pages() : bytes_(kPages * kPageBytes) {}
  std::string_view name() const override { return "fuzz"; }
  std::size_t page_bytes() const override { return kPageBytes; }
  Pgno last_page() const override { return Pgno{kPages}; }
  stillframe::Status read_pages(Pgno first, MutableBytes to) const override {
    const auto at = static_cast<std::size_t>(first);
    if (at == 0 || at - 1 + to.size() / kPageBytes > kPages) {
      return ese_error(EseErr::bad_page_link, "past the end");
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>((at - 1) * kPageBytes), to.size(),
                to.begin());
    return stillframe::Ok{};
  }
  MutableBytes page(Pgno pgno) {
    return MutableBytes(bytes_).subspan((static_cast<std::size_t>(pgno) - 1) * kPageBytes,
                                        kPageBytes);
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

// The input is a list of rows, each a length byte and its bytes; they become the rows of a catalog.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pages pages;
  PageEditor root(pages.page(kCatalogRoot));
  root.format(kCatalogRoot, Objid::catalog,
              kPageRoot | kPageLeaf | kPageNewRecord | kPageNewChecksum, Dbtime{64});
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t length = std::min<std::size_t>(data[at], size - at - 1);
    std::byte key[4];
    store_be(key, number++);
    if (!root.insert(root.view().lines(), {0, key, input.subspan(at + 1, length), 0})) break;
    at += 1 + length;
  }
  seal_page(pages.page(kCatalogRoot), static_cast<std::uint32_t>(kCatalogRoot));
  VerifyOptions options;
  options.threads = 1;
  DatabaseHeader header;
  header.update_major = 20;
  (void)verify_database(pages, header, options);
  return 0;
}

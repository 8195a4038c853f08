// A small database in memory, whole in every respect that verify_database() checks: a table with
// fixed, variable and tagged columns, two indexes and long values. Tests break it in one place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese::tests {

using Blob = std::vector<std::byte>;
Blob blob(std::string_view text);

class MemoryPages final : public PageSource {
 public:
  MemoryPages(std::size_t page_bytes, std::uint32_t pages)
      : page_bytes_(page_bytes), bytes_(page_bytes * pages) {}

  std::string_view name() const override { return "sample"; }
  std::size_t page_bytes() const override { return page_bytes_; }
  Pgno last_page() const override {
    return Pgno{static_cast<std::uint32_t>(bytes_.size() / page_bytes_)};
  }
  Status read_pages(Pgno first, MutableBytes to) const override;

  MutableBytes page(Pgno pgno);
  void seal(Pgno pgno);

 private:
  std::size_t page_bytes_;
  Blob bytes_;
};

// Record bytes, column by column in the order of their numbers.
class RecordBuilder {
 public:
  explicit RecordBuilder(bool large_page) : large_(large_page) {}

  void fixed(Bytes value, bool null = false);
  void variable(Bytes value, bool null = false);
  // `header` 0 on a small page: none is stored.
  void tagged(std::uint16_t id, unsigned header, Bytes value);
  Blob build() const;

 private:
  struct Tagged {
    std::uint16_t id;
    unsigned header;
    Blob value;
  };
  bool large_;
  Blob fixed_, variable_;
  std::vector<bool> null_;
  std::vector<std::uint16_t> ends_;
  std::vector<Tagged> tagged_;
};

// A row of the catalog, and the key it has there.
struct CatalogEntry {
  Objid table;
  CatalogType type;
  std::uint32_t id, type_or_root, space_usage, flags, pages_or_locale;
  std::string name;
  Blob segments;
};
Blob catalog_record(const CatalogEntry& entry, bool large_page);
Blob catalog_key(const CatalogEntry& entry);

struct SampleDatabase {
  explicit SampleDatabase(std::size_t page_bytes);

  DatabaseHeader header;
  MemoryPages pages;
  // Where the trees of the table "rows" are.
  static constexpr Pgno kTable{26}, kByNumber{27}, kByName{28}, kLongValues{29};
  static constexpr std::uint32_t kRows = 40;
};

}  // namespace stillframe::ese::tests

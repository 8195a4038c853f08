#include "tests/ese/support/sample_database.hpp"

#include <algorithm>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/key.hpp"
#include "writers/ese/format/long_values.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr std::uint32_t kPages = 32;
constexpr Objid kTableId{6}, kByNumberId{7}, kByNameId{8}, kLongValuesId{9};
constexpr std::uint32_t kRootLeaf = kPageRoot | kPageLeaf | kPageNewRecord | kPageNewChecksum;

template <class T>
Blob little(T value) {
  Blob bytes(sizeof value);
  store_le(bytes.data(), value);
  return bytes;
}

struct Node {
  Blob key, data;
};

// How many pages from its root on a tree owns: the table shares its own out to its indexes.
std::uint32_t pages_owned(Pgno root) {
  if (root == Pgno{1}) return kPages;
  return root == SampleDatabase::kTable ? 4 : 1;
}

// A tree of one page.
void put_tree(MemoryPages& pages, Pgno root, Objid objid, std::uint32_t flags, Pgno parent,
              std::vector<Node> nodes) {
  std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
    return a.key != b.key ? a.key < b.key : a.data < b.data;
  });
  PageEditor page(pages.page(root));
  page.format(root, objid, kRootLeaf | flags, Dbtime{100});
  const SpaceHeader space{pages_owned(root), parent, 0, 0, {}};
  bool fits = page.set_external_header(encode_space_header(space));
  for (const Node& node : nodes) {
    fits = fits && page.insert(page.view().lines(), {0, node.key, node.data, 0});
  }
  STILLFRAME_CHECK(fits, "the sample's trees have one page");
  pages.seal(root);
}

Blob segments(std::initializer_list<std::uint16_t> columns) {
  Blob bytes;
  for (const std::uint16_t column : columns) {
    const Blob one = little(std::uint32_t{column} << 16);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

std::vector<CatalogEntry> entries() {
  using enum CatalogType;
  const auto type = [](ColumnType t) { return static_cast<std::uint32_t>(t); };
  const std::uint32_t primary = kIndexPrimary | kIndexUnique;
  const std::uint32_t nulls = kIndexAllowAllNulls | kIndexAllowFirstNull | kIndexAllowSomeNulls;
  std::vector<CatalogEntry> all;
  all.push_back({Objid::catalog, table, 2, 4, 80, kTableSystem, 1, "MSysObjects", {}});
  all.push_back(
      {Objid::shadow_catalog, table, 3, 24, 80, kTableSystem, 1, "MSysObjectsShadow", {}});
  const auto root = [](Pgno pgno) { return static_cast<std::uint32_t>(pgno); };
  all.push_back({kTableId, table, 6, root(SampleDatabase::kTable), 80, 0, 1, "rows", {}});
  all.push_back({kTableId, column, 1, type(ColumnType::long_int), 4, kColumnNotNull, 0, "id", {}});
  all.push_back({kTableId, column, 2, type(ColumnType::short_int), 2, 0, 0, "number", {}});
  all.push_back({kTableId, column, 128, type(ColumnType::text), 50, 0, 1252, "name", {}});
  all.push_back({kTableId, column, 256, type(ColumnType::long_text), 0, 0, 1200, "note", {}});
  all.push_back({kTableId, column, 257, type(ColumnType::long_binary), 0, 0, 0, "blob", {}});
  all.push_back(
      {kTableId, index, 6, root(SampleDatabase::kTable), 80, primary, 0, "by_id", segments({1})});
  all.push_back({kTableId, index, 7, root(SampleDatabase::kByNumber), 80, nulls, 0, "by_number",
                 segments({2})});
  all.push_back({kTableId, index, 8, root(SampleDatabase::kByName), 80, kIndexUnique | nulls, 0,
                 "by_name", segments({128})});
  all.push_back({kTableId, long_values, 9, root(SampleDatabase::kLongValues), 100, 0, 1, "LV", {}});
  return all;
}

}  // namespace

Blob catalog_record(const CatalogEntry& entry, bool large_page) {
  RecordBuilder record(large_page);
  record.fixed(little(entry.table));
  record.fixed(little(entry.type));
  for (const std::uint32_t value :
       {entry.id, entry.type_or_root, entry.space_usage, entry.flags, entry.pages_or_locale}) {
    record.fixed(little(value));
  }
  record.variable(blob(entry.name));
  if (!entry.segments.empty()) {
    for (int i = 0; i < 3; ++i) record.variable({}, true);
    record.variable(entry.segments);
  }
  return record.build();
}

Blob catalog_key(const CatalogEntry& entry) {
  const Index index;
  Key key;
  const auto add = [&](std::uint16_t id, const Blob& value) {
    const Column* column = catalog_table().find_column(ColumnId{id}, false);
    const Status added = append_segment(index, {}, *column, value, key);
    STILLFRAME_CHECK(added.ok(), "catalog keys are numbers");
  };
  add(1, little(entry.table));
  add(2, little(entry.type));
  add(3, little(entry.id));
  return key;
}

namespace {

void put_catalogs(MemoryPages& pages) {
  std::vector<Node> nodes;
  for (const CatalogEntry& entry : entries()) {
    nodes.push_back({catalog_key(entry), catalog_record(entry, pages.page_bytes() > 8192)});
  }
  put_tree(pages, kCatalogRoot, Objid::catalog, 0, Pgno{1}, nodes);
  put_tree(pages, kShadowCatalogRoot, Objid::shadow_catalog, 0, Pgno{1}, nodes);
}

Blob key_of_value(const Column& column, const Blob* value) {
  Key key;
  const auto bytes = value == nullptr ? std::nullopt : std::optional<Bytes>(*value);
  const Status added = append_segment(Index{}, {}, column, bytes, key);
  STILLFRAME_CHECK(added.ok(), "the sample's keys are numbers and ASCII");
  return key;
}

// Row i: id i, number i % 7 - 3 or null, name "name<i>", every fourth a long value of three chunks.
void put_rows(MemoryPages& pages, const Table& table) {
  std::vector<Node> rows, by_number, by_name, long_values;
  const bool large = pages.page_bytes() > 8192;
  for (std::uint32_t i = 0; i < SampleDatabase::kRows; ++i) {
    const Blob id = little(i), number = little(static_cast<std::int16_t>(i % 7 - 3));
    const Blob name = blob("name" + std::to_string(100 + i));
    const bool null = i % 5 == 0;
    RecordBuilder record(large);
    record.fixed(id);
    record.fixed(number, null);
    record.variable(name);
    record.tagged(256, 0, Blob{std::byte{'n'}, std::byte{0}});
    if (i == 4) {
      record.tagged(257, 0x05, little(std::uint32_t{77}));
      const std::uint32_t size = table.chunk_bytes + 100;
      Blob root = little(std::uint32_t{1});
      const Blob bytes = little(size);
      root.insert(root.end(), bytes.begin(), bytes.end());
      const LidKey key = ese::key_of(Lid{77, false});
      const Blob lid(key.view().begin(), key.view().end());
      long_values.push_back({lid, root});
      // The first chunk compressed, so that both fit on one page; the second as it is.
      const Blob plain(table.chunk_bytes, std::byte{'x'});
      Blob first = lid, second = lid;
      first.resize(8);
      second.resize(8);
      store_be(second.data() + 4, table.chunk_bytes);
      long_values.push_back({first, compress_xpress(plain)});
      long_values.push_back({second, Blob(100, std::byte{'y'})});
    }
    const Blob key = key_of_value(table.columns[0], &id);
    rows.push_back({key, record.build()});
    by_number.push_back({key_of_value(table.columns[1], null ? nullptr : &number), key});
    by_name.push_back({key_of_value(table.columns[2], &name), key});
  }
  put_tree(pages, SampleDatabase::kTable, kTableId, 0, Pgno{1}, rows);
  put_tree(pages, SampleDatabase::kByNumber, kByNumberId, kPageIndex | kPageNonUnique,
           SampleDatabase::kTable, by_number);
  put_tree(pages, SampleDatabase::kByName, kByNameId, kPageIndex, SampleDatabase::kTable, by_name);
  put_tree(pages, SampleDatabase::kLongValues, kLongValuesId, kPageLongValue,
           SampleDatabase::kTable, long_values);
}

}  // namespace

Blob blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

Status MemoryPages::read_pages(Pgno first, MutableBytes to) const {
  const auto at = static_cast<std::size_t>(first);
  if (at == 0 || (at - 1) * page_bytes_ + to.size() > bytes_.size()) {
    return ese_error(EseErr::bad_page_link, "page " + std::to_string(at) + " is past the end");
  }
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>((at - 1) * page_bytes_), to.size(),
              to.begin());
  return Ok{};
}

MutableBytes MemoryPages::page(Pgno pgno) {
  return MutableBytes(bytes_).subspan((static_cast<std::size_t>(pgno) - 1) * page_bytes_,
                                      page_bytes_);
}

void MemoryPages::seal(Pgno pgno) {
  seal_page(page(pgno), static_cast<std::uint32_t>(pgno));
}

void RecordBuilder::fixed(Bytes value, bool null) {
  fixed_.insert(fixed_.end(), value.begin(), value.end());
  null_.push_back(null);
}

void RecordBuilder::variable(Bytes value, bool null) {
  variable_.insert(variable_.end(), value.begin(), value.end());
  ends_.push_back(static_cast<std::uint16_t>(variable_.size() | (null ? 0x8000U : 0U)));
}

void RecordBuilder::tagged(std::uint16_t id, unsigned header, Bytes value) {
  tagged_.push_back({id, header, {value.begin(), value.end()}});
}

Blob RecordBuilder::build() const {
  Blob nulls((null_.size() + 7) / 8);
  for (std::size_t i = 0; i < null_.size(); ++i) {
    if (null_[i]) nulls[i / 8] |= static_cast<std::byte>(1U << i % 8);
  }
  Blob record(4);
  record[0] = static_cast<std::byte>(null_.size());
  record[1] = static_cast<std::byte>(127 + ends_.size());
  store_le(record.data() + 2, static_cast<std::uint16_t>(4 + fixed_.size() + nulls.size()));
  const auto add = [&](const Blob& bytes) {
    record.insert(record.end(), bytes.begin(), bytes.end());
  };
  add(fixed_);
  add(nulls);
  for (const std::uint16_t end : ends_) add(little(end));
  add(variable_);
  Blob values;
  for (const Tagged& column : tagged_) {
    const bool header = large_ || column.header != 0;
    add(little(column.id));
    add(little(static_cast<std::uint16_t>((tagged_.size() * 4 + values.size()) |
                                          (header && !large_ ? 0x4000U : 0U))));
    if (header) values.push_back(static_cast<std::byte>(column.header));
    values.insert(values.end(), column.value.begin(), column.value.end());
  }
  add(values);
  return record;
}

SampleDatabase::SampleDatabase(std::size_t page_bytes) : pages(page_bytes, kPages) {
  header.page_bytes = static_cast<std::uint32_t>(page_bytes);
  header.update_major = 20;
  set_state(header, DbState::clean_shutdown, Generation::none, Generation::none);
  put_tree(pages, Pgno{1}, Objid::root, 0, Pgno::null, {});
  put_catalogs(pages);
  const Result<Schema> schema = read_schema(pages, header.update_major);
  STILLFRAME_CHECK(schema.ok(), "the sample's catalog can be read");
  put_rows(pages, *schema.value().find("rows"));
}

}  // namespace stillframe::ese::tests

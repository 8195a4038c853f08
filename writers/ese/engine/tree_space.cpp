#include "writers/ese/engine/tree_space.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kFreeBits = 32;        // pages that the bits of a small tree can tell of
constexpr std::uint32_t kSpaceRoots = 2;       // pages for the trees of extents
constexpr std::uint32_t kSecondaryPages = 16;  // of an extent that a tree asks its parent for
constexpr std::uint32_t kGrowthPagesMin = 16, kGrowthPagesMax = 4096;
constexpr std::uint32_t kGrowthShare = 8;  // of the file
constexpr std::size_t kKeyBytes = 4;
constexpr std::uint32_t kPlainFlags =
    ~std::uint32_t{kPageRoot | kPageLeaf | kPageParentOfLeaf | kPageSpace | kPageEmpty};

using ExtentKey = std::array<std::byte, kKeyBytes>;

std::uint32_t number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

Pgno last_of(const Extent& extent) {
  return Pgno{number(extent.first) + extent.pages - 1};
}

ExtentKey key_of(Pgno last) {
  ExtentKey key;
  store_be(key.data(), number(last));
  return key;
}

ExtentKey count_of(std::uint32_t pages) {
  ExtentKey count;
  store_le(count.data(), pages);
  return count;
}

// None for nodes of other pools, which belong to whoever set them aside.
std::optional<Extent> extent_of(const NodeView& node) {
  if (node.key.size() != kKeyBytes || node.data.size() != sizeof(std::uint32_t)) return {};
  ExtentKey key;
  node.key.copy_to(key.data());
  const auto last = load_be<std::uint32_t>(key.data());
  const auto pages = load_le<std::uint32_t>(node.data.data());
  if (pages > last) return {};
  return Extent{Pgno{last - pages + 1}, pages};
}

// The first extent that `fits`, at or behind the one that ends at `from` or later.
template <class Fits>
Result<std::optional<Extent>> find_extent(const BTree& tree, Pgno from, const Fits& fits) {
  const ExtentKey key = key_of(from);
  auto leaf = tree.fix_leaf(BookmarkView{key, {}}, LatchMode::shared);
  if (!leaf.ok()) return leaf.error();
  std::size_t line = find_line(PageView(leaf.value().bytes()), {key, {}}).first;
  for (;;) {
    const PageView page(leaf.value().bytes());
    for (; line < page.lines(); ++line) {
      const auto extent = extent_of(page.node(line));
      if (extent && extent->pages > 0 && fits(*extent)) return extent;
    }
    if (page.next() == Pgno::null) return std::optional<Extent>();
    auto next = tree.fix_linked(page.next(), LatchMode::shared);
    if (!next.ok()) return next.error();
    leaf = std::move(next);
    line = 0;
  }
}

Error broken(const OpenDatabase& database, Objid objid, const char* why) {
  return ese_error(EseErr::database_corrupted,
                   "the space of object " + std::to_string(static_cast<std::uint32_t>(objid)) +
                       " of '" + std::string(database.store.name()) + "' " + why);
}

Status log_extension(OpenDatabase& database, Pgno last) {
  std::array<std::byte, ExtendDbBody::kBytes> body{};
  encode(ExtendDbBody{database.id, last}, body);
  ExtensibleRecord record;
  record.type = RecordType::extend_db;
  auto appended = database.log.append(encode_record(record, {Bytes(body)}));
  if (!appended.ok()) return appended.error();
  return database.store.grow(last);
}

}  // namespace

TreeSpace::Trees::Trees(OpenDatabase& database, Objid objid, Pgno owned_root)
    : owned_buffer(database, owned_root, objid),
      available_buffer(database, Pgno{number(owned_root) + 1}, objid),
      owned(database, {owned_root, objid, true, true}, owned_buffer),
      available(database, {Pgno{number(owned_root) + 1}, objid, true, true}, available_buffer) {}

// The tree's root and behind it those of its two trees of extents.
Status TreeSpace::create_multiple(OpenDatabase& database, OpenTransaction& transaction, Objid objid,
                                  const Extent& extent, Pgno parent, std::uint32_t page_flags) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  std::vector<PageRef> made;
  std::vector<PageRef*> held;
  made.reserve(1 + kSpaceRoots);
  for (std::uint32_t i = 0; i <= kSpaceRoots; ++i) {
    auto page = database.cache.fix_new(database.id, Pgno{number(extent.first) + i});
    if (!page.ok()) return page.error();
    made.push_back(std::move(page).value());
    held.push_back(&made.back());
  }
  LoggedChange change(database, author.value(), held);
  const bool unique = (page_flags & kPageNonUnique) == 0;
  CreateMultipleExtentFdpRecord record;
  record.page = change.header(made.front(), 0, unique ? PageRecordHeader::kUnique : 0);
  record.page.before = Dbtime::nil;
  record.objid = objid;
  record.parent = parent;
  record.owned_root = Pgno{number(extent.first) + 1};
  record.available_root = Pgno{number(extent.first) + 2};
  record.primary_pages = extent.pages;
  record.page_flags = page_flags;
  change.add(encode_record(record));
  return change.carry_out();
}

Status TreeSpace::create_root(OpenDatabase& database, OpenTransaction& transaction,
                              std::uint32_t pages) {
  if (Status s = log_extension(database, Pgno{pages}); !s.ok()) return s;
  return create_multiple(database, transaction, Objid::root, {Pgno{1}, pages}, Pgno::null,
                         kPageNewRecord | kPageNewChecksum);
}

Result<TreeId> TreeSpace::create_tree_with_space(OpenTransaction& transaction, Objid objid,
                                                 std::uint32_t pages, std::uint32_t page_flags) {
  if (pages < 1 + kSpaceRoots) {
    return Error(Errc::invalid_argument, "a tree with trees of extents begins with 3 pages");
  }
  auto extent = take_extent(transaction, pages);
  if (!extent.ok()) return extent.error();
  Status made =
      create_multiple(database_, transaction, objid, extent.value(), tree_.root, page_flags);
  if (!made.ok()) return made.error();
  return TreeId{extent.value().first, objid, (page_flags & kPageNonUnique) == 0, false};
}

Result<std::vector<Extent>> TreeSpace::owned_extents() {
  const std::lock_guard lock(mutex_);
  if (Status s = load(); !s.ok()) return s.error();
  std::vector<Extent> extents;
  if (trees_ == nullptr) {
    auto root = database_.cache.fix(database_.id, tree_.root, LatchMode::shared);
    if (!root.ok()) return root.error();
    const auto header = decode_space_header(PageView(root.value().bytes()).external_header());
    if (!header.ok()) return header.error();
    return std::vector<Extent>{{tree_.root, header.value().pages}};
  }
  const auto any = [](const Extent&) { return true; };
  Pgno from = Pgno::null;
  for (;;) {
    auto found = find_extent(trees_->owned, from, any);
    if (!found.ok()) return found.error();
    if (!found.value()) return extents;
    extents.push_back(*found.value());
    from = Pgno{number(last_of(extents.back())) + 1};
  }
}

// The extent with the root comes last: a crash on the way leaves a tree that nobody refers to, with
// fewer pages that are lost.
Status TreeSpace::free_tree(OpenTransaction& transaction, TreeSpace& tree) {
  const auto extents = tree.owned_extents();
  if (!extents.ok()) return extents.error();
  for (std::size_t i = extents.value().size(); i-- > 0;) {
    if (Status s = give_back_extent(transaction, extents.value()[i]); !s.ok()) return s;
  }
  return Ok{};
}

Result<TreeId> TreeSpace::create_tree(OpenTransaction& transaction, Objid objid,
                                      std::uint32_t pages, std::uint32_t page_flags) {
  if (pages < 1 || pages > kFreeBits) {
    return Error(Errc::invalid_argument, "a tree begins with 1 to 32 pages");
  }
  auto extent = take_extent(transaction, pages);
  if (!extent.ok()) return extent.error();
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  auto root = database_.cache.fix_new(database_.id, extent.value().first);
  if (!root.ok()) return root.error();
  const bool unique = (page_flags & kPageNonUnique) == 0;
  LoggedChange change(database_, author.value(), {&root.value()});
  CreateSingleExtentFdpRecord record;
  record.page = change.header(root.value(), 0, unique ? PageRecordHeader::kUnique : 0);
  record.page.before = Dbtime::nil;
  record.objid = objid;
  record.parent = tree_.root;
  record.primary_pages = pages;
  record.page_flags = page_flags;
  change.add(encode_record(record));
  if (Status s = change.carry_out(); !s.ok()) return s.error();
  return TreeId{extent.value().first, objid, unique, false};
}

Status TreeSpace::load() {
  if (loaded_) return Ok{};
  auto root = database_.cache.fix(database_.id, tree_.root, LatchMode::shared);
  if (!root.ok()) return root.error();
  const auto header = decode_space_header(PageView(root.value().bytes()).external_header());
  if (!header.ok()) return header.error();
  if (header.value().multiple()) {
    trees_ = std::make_unique<Trees>(database_, tree_.objid, header.value().owned_root());
  }
  loaded_ = true;
  return Ok{};
}

Status TreeSpace::set_header(OpenTransaction& transaction, PageRef& root,
                             const SpaceHeader& header) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  LoggedChange change(database_, author.value(), {&root});
  ExternalHeaderRecord record;
  record.node = {change.header(root, 0, tree_.unique ? PageRecordHeader::kUnique : 0), Rceid::none,
                 tree_.root, tree_.objid};
  change.add(encode_record(record, {Bytes(encode_space_header(header))}));
  return change.carry_out();
}

Result<std::optional<Pgno>> TreeSpace::take_from_bits(OpenTransaction& transaction) {
  auto root = database_.cache.fix(database_.id, tree_.root, LatchMode::exclusive);
  if (!root.ok()) return root.error();
  auto decoded = decode_space_header(PageView(root.value().bytes()).external_header());
  if (!decoded.ok()) return decoded.error();
  SpaceHeader header = decoded.value();
  for (std::uint32_t i = 0; i < kFreeBits && i + 1 < header.pages; ++i) {
    const std::uint32_t bit = std::uint32_t{1} << i;
    if ((header.owned_root_or_free_bits & bit) == 0) continue;
    header.owned_root_or_free_bits &= ~bit;
    if (Status s = set_header(transaction, root.value(), header); !s.ok()) return s.error();
    return std::optional(Pgno{number(tree_.root) + 1 + i});
  }
  return std::optional<Pgno>();
}

Status TreeSpace::free_in_bits(OpenTransaction& transaction, Pgno pgno) {
  auto root = database_.cache.fix(database_.id, tree_.root, LatchMode::exclusive);
  if (!root.ok()) return root.error();
  auto decoded = decode_space_header(PageView(root.value().bytes()).external_header());
  if (!decoded.ok()) return decoded.error();
  SpaceHeader header = decoded.value();
  const std::uint32_t i = number(pgno) - number(tree_.root) - 1;
  if (i >= kFreeBits || i + 1 >= header.pages) {
    return broken(database_, tree_.objid, "does not own a page that is given back to it");
  }
  header.owned_root_or_free_bits |= std::uint32_t{1} << i;
  return set_header(transaction, root.value(), header);
}

// The first two pages of the second extent become the roots of the trees of extents.
Status TreeSpace::convert(OpenTransaction& transaction) {
  if (parent_ == nullptr) return broken(database_, tree_.objid, "has no parent to get pages from");
  auto extent = parent_->take_extent(transaction, kSecondaryPages);
  if (!extent.ok()) return extent.error();
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  const Pgno first = extent.value().first;
  auto root = database_.cache.fix(database_.id, tree_.root, LatchMode::exclusive);
  if (!root.ok()) return root.error();
  auto owned = database_.cache.fix_new(database_.id, first);
  if (!owned.ok()) return owned.error();
  auto available = database_.cache.fix_new(database_.id, Pgno{number(first) + 1});
  if (!available.ok()) return available.error();
  const PageView page(root.value().bytes());
  const auto header = decode_space_header(page.external_header());
  if (!header.ok()) return header.error();
  LoggedChange change(database_, author.value(),
                      {&root.value(), &owned.value(), &available.value()});
  ConvertFdpRecord2 record;
  record.page = change.header(root.value(), 0, tree_.unique ? PageRecordHeader::kUnique : 0);
  record.objid = tree_.objid;
  record.owned_root = first;
  record.available_root = Pgno{number(first) + 1};
  record.parent = header.value().parent;
  record.secondary_first = first;
  record.primary_pages = header.value().pages;
  record.secondary_pages = extent.value().pages;
  record.available_bits = header.value().owned_root_or_free_bits;
  record.page_flags = page.flags() & kPlainFlags;
  change.add(encode_record(record));
  if (Status s = change.carry_out(); !s.ok()) return s;
  trees_ = std::make_unique<Trees>(database_, tree_.objid, first);
  return Ok{};
}

Result<Pgno> TreeSpace::take(OpenTransaction& transaction) {
  const std::lock_guard lock(mutex_);
  if (Status s = load(); !s.ok()) return s.error();
  if (trees_ == nullptr) {
    auto page = take_from_bits(transaction);
    if (!page.ok()) return page.error();
    if (page.value()) return *page.value();
    if (Status s = convert(transaction); !s.ok()) return s.error();
  }
  auto extent = take_from_trees(transaction, 1);
  if (!extent.ok()) return extent.error();
  return extent.value().first;
}

Result<Extent> TreeSpace::take_extent(OpenTransaction& transaction, std::uint32_t pages) {
  const std::lock_guard lock(mutex_);
  if (Status s = load(); !s.ok()) return s.error();
  if (trees_ == nullptr) {
    if (Status s = convert(transaction); !s.ok()) return s.error();
  }
  return take_from_trees(transaction, pages);
}

Result<Extent> TreeSpace::take_from_trees(OpenTransaction& transaction, std::uint32_t pages) {
  auto extent = take_available(transaction, pages);
  if (!extent.ok()) return extent.error();
  if (extent.value()) return *extent.value();
  if (Status s = grow(transaction, pages); !s.ok()) return s.error();
  extent = take_available(transaction, pages);
  if (!extent.ok()) return extent.error();
  if (extent.value()) return *extent.value();
  return broken(database_, tree_.objid, "has no room although it has just grown");
}

Result<std::optional<Extent>> TreeSpace::take_available(OpenTransaction& transaction,
                                                        std::uint32_t pages) {
  const auto large_enough = [&](const Extent& extent) { return extent.pages >= pages; };
  auto found = find_extent(trees_->available, Pgno::null, large_enough);
  if (!found.ok() || !found.value()) return found;
  const Extent extent = *found.value();
  if (Status s = shorten(transaction, extent, pages); !s.ok()) return s.error();
  return std::optional(Extent{extent.first, pages});
}

// From its front, so that its name, the last page, stays.
Status TreeSpace::shorten(OpenTransaction& transaction, const Extent& available, std::uint32_t by) {
  const ExtentKey key = key_of(last_of(available));
  if (available.pages == by) return trees_->available.erase(transaction, key);
  return trees_->available.put(transaction, key, count_of(available.pages - by));
}

Result<Pgno> TreeSpace::last_noted() {
  auto leaf = trees_->owned.fix_leaf(BTree::End::last, LatchMode::shared);
  if (!leaf.ok()) return leaf.error();
  const PageView page(leaf.value().bytes());
  const auto newest = page.lines() == 0 ? std::nullopt : extent_of(page.node(page.lines() - 1));
  if (!newest) return broken(database_, tree_.objid, "does not say where the database ends");
  return last_of(*newest);
}

Result<Pgno> TreeSpace::last_owned() {
  const std::lock_guard lock(mutex_);
  if (Status s = load(); !s.ok()) return s.error();
  return last_noted();
}

Result<Extent> TreeSpace::extend_file(OpenTransaction&, std::uint32_t pages) {
  const auto newest = last_noted();
  if (!newest.ok()) return newest.error();
  const std::uint32_t last = number(newest.value());
  const std::uint32_t share = std::clamp(last / kGrowthShare, kGrowthPagesMin, kGrowthPagesMax);
  const Extent extent{Pgno{last + 1}, std::max(pages, share)};
  if (Status s = log_extension(database_, last_of(extent)); !s.ok()) return s.error();
  return extent;
}

// A new extent. Its first pages go where the trees of extents may need them for noting the rest;
// what it owns is noted before what is free, so that a crash in between loses pages only.
Status TreeSpace::grow(OpenTransaction& transaction, std::uint32_t pages) {
  std::uint32_t held_back = 0;
  std::array<std::uint32_t, 2> lacking{};
  const std::array<SplitBuffer*, 2> buffers{&trees_->owned_buffer, &trees_->available_buffer};
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    auto count = buffers[i]->lacking();
    if (!count.ok()) return count.error();
    lacking[i] = count.value();
    held_back += lacking[i];
  }
  const std::uint32_t wanted = pages + held_back;
  auto extent = parent_ == nullptr
                    ? extend_file(transaction, wanted)
                    : parent_->take_extent(transaction, std::max(wanted, kSecondaryPages));
  if (!extent.ok()) return extent.error();
  Extent rest = extent.value();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (lacking[i] == 0) continue;
    if (Status s = buffers[i]->put(transaction, {rest.first, lacking[i]}); !s.ok()) return s;
    rest = {Pgno{number(rest.first) + lacking[i]}, rest.pages - lacking[i]};
  }
  const Extent& all = extent.value();
  Status noted = trees_->owned.put(transaction, key_of(last_of(all)), count_of(all.pages));
  if (!noted.ok()) return noted;
  return trees_->available.put(transaction, key_of(last_of(rest)), count_of(rest.pages));
}

Status TreeSpace::give_back(OpenTransaction& transaction, Pgno pgno) {
  return give_back_extent(transaction, {pgno, 1});
}

Status TreeSpace::give_back_extent(OpenTransaction& transaction, const Extent& extent) {
  const std::lock_guard lock(mutex_);
  if (Status s = load(); !s.ok()) return s;
  if (trees_ != nullptr) return free_extent(transaction, extent);
  for (std::uint32_t i = 0; i < extent.pages; ++i) {
    const Pgno pgno{number(extent.first) + i};
    if (Status s = free_in_bits(transaction, pgno); !s.ok()) return s;
  }
  return Ok{};
}

// Joined with free neighbours, but not across the borders of what it owns.
Status TreeSpace::free_extent(OpenTransaction& transaction, Extent extent) {
  auto lacking = trees_->available_buffer.lacking();
  if (!lacking.ok()) return lacking.error();
  if (lacking.value() > 0) {
    // Pages for noting what is free come from just that.
    const std::uint32_t some = std::min(lacking.value(), extent.pages);
    Status put = trees_->available_buffer.put(transaction, {extent.first, some});
    if (!put.ok()) return put;
    extent = {Pgno{number(extent.first) + some}, extent.pages - some};
    if (extent.pages == 0) return Ok{};
  }
  const auto any = [](const Extent&) { return true; };
  auto owner = find_extent(trees_->owned, last_of(extent), any);
  if (!owner.ok()) return owner.error();
  if (!owner.value() || !owner.value()->contains(extent.first)) {
    return broken(database_, tree_.objid, "does not own a page that is given back to it");
  }
  auto before = find_extent(trees_->available, Pgno{number(extent.first) - 1}, any);
  if (!before.ok()) return before.error();
  const bool joins_before = before.value() && owner.value()->contains(before.value()->first) &&
                            number(last_of(*before.value())) + 1 == number(extent.first);
  auto after = find_extent(trees_->available, extent.first, any);
  if (!after.ok()) return after.error();
  const bool joins_after = after.value() && owner.value()->contains(last_of(*after.value())) &&
                           number(last_of(extent)) + 1 == number(after.value()->first);
  if (joins_before) {
    const Extent left = *before.value();
    Status erased = trees_->available.erase(transaction, key_of(last_of(left)));
    if (!erased.ok()) return erased;
    extent = {left.first, left.pages + extent.pages};
  }
  if (joins_after) extent.pages += after.value()->pages;
  return trees_->available.put(transaction, key_of(last_of(extent)), count_of(extent.pages));
}

}  // namespace stillframe::ese

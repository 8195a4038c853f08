// Records that make whole pages or empty them: new trees, their space, page moves.
#include <algorithm>
#include <array>

#include "writers/ese/engine/page_change.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kFreeBitsAtRoot = 32;
constexpr std::uint32_t kSpacePages =
    2;  // the roots of the trees of owned and of available extents

Pgno after(Pgno pgno, std::uint32_t count) {
  return Pgno{static_cast<std::uint32_t>(pgno) + count};
}

// Every page made since Windows 2000 has records of the new form, whether its log record says so or
// not.
std::uint32_t root_flags(std::uint32_t page_flags) {
  return page_flags | kPageRoot | kPageLeaf | kPageNewRecord;
}

std::uint32_t space_root_flags(std::uint32_t page_flags) {
  return (root_flags(page_flags) | kPageSpace) & ~std::uint32_t{kPageNonUnique};
}

std::uint32_t space_header_flags(std::uint32_t page_flags) {
  return (page_flags & kPageNonUnique) != 0 ? kSpaceNonUnique : 0U;
}

// A formatted page always has room for its space header.
void put_header(PageEditor& page, Bytes header) {
  (void)page.set_external_header(header);
}

// The root of a tree of extents, which holds the given ones.
Status make_space_root(const RecordChange& change, Pgno pgno, Objid objid, std::uint32_t flags,
                       Dbtime dbtime, std::vector<Extent> extents) {
  auto page = change.to_change(pgno);
  if (!page) return Ok{};
  page->format(pgno, objid, space_root_flags(flags), dbtime);
  put_header(*page, std::array<std::byte, kSplitBufferBytes>{});
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  for (const Extent& extent : extents) {
    std::array<std::byte, sizeof(std::uint32_t)> key, count;
    store_be(key.data(), static_cast<std::uint32_t>(extent.first) + extent.pages - 1);
    store_le(count.data(), extent.pages);
    NodeParts node;
    node.suffix = key;
    node.data = count;
    if (!page->insert(page->view().lines(), node)) {
      return change.contradiction(pgno, "it lists more extents than fit on a page");
    }
  }
  return Ok{};
}

// The runs of pages behind the root that the bits call free.
std::vector<Extent> free_runs(Pgno root, std::uint32_t pages, std::uint32_t bits) {
  std::vector<Extent> runs;
  const std::uint32_t behind_root = pages == 0 ? 0 : pages - 1;
  const auto add = [&](Pgno first, std::uint32_t count) {
    if (!runs.empty() && after(runs.back().first, runs.back().pages) == first) {
      runs.back().pages += count;
    } else {
      runs.push_back({first, count});
    }
  };
  for (std::uint32_t i = 0; i < std::min(behind_root, kFreeBitsAtRoot); ++i) {
    if ((bits >> i & 1) != 0) add(after(root, 1 + i), 1);
  }
  if (behind_root > kFreeBitsAtRoot)
    add(after(root, 1 + kFreeBitsAtRoot), behind_root - kFreeBitsAtRoot);
  return runs;
}

std::uint32_t all_free(std::uint32_t pages) {
  const std::uint32_t behind_root = pages == 0 ? 0 : pages - 1;
  return behind_root >= kFreeBitsAtRoot ? ~std::uint32_t{0} : (std::uint32_t{1} << behind_root) - 1;
}

bool extent_fits(Pgno first, std::uint32_t pages) {
  return pages > 0 && pages <= ~std::uint32_t{0} - static_cast<std::uint32_t>(first);
}

}  // namespace

void empty_page(PageEditor& page) {
  page.clear();
  page.set_uncommitted_free_bytes(0);
  page.set_flags(page.view().flags() | kPageEmpty);
}

// Says that the page is taken; the next record that makes it gives it a form.
Status apply_new_page(const RecordChange& change) {
  const auto record = change.decoded<NewPageRecord>().fixed;
  auto page = change.to_change(record.page);
  if (page) page->format(record.page, record.objid, kPagePreInit | kPageNewChecksum, record.dbtime);
  return Ok{};
}

Status apply_create_single(const RecordChange& change) {
  const auto record = change.decoded<CreateSingleExtentFdpRecord>().fixed;
  const Pgno root = record.page.page;
  if (!extent_fits(root, record.primary_pages)) {
    return change.contradiction(root, "its extent has no pages, or too many");
  }
  auto page = change.to_change(root);
  if (!page) return Ok{};
  page->format(root, record.objid, root_flags(record.page_flags), record.page.dbtime);
  SpaceHeader header;
  header.pages = record.primary_pages;
  header.parent = record.parent;
  header.flags = space_header_flags(record.page_flags);
  header.owned_root_or_free_bits = all_free(record.primary_pages);
  put_header(*page, encode_space_header(header));
  return Ok{};
}

Status apply_create_multiple(const RecordChange& change) {
  const auto record = change.decoded<CreateMultipleExtentFdpRecord>().fixed;
  const Pgno root = record.page.page;
  if (!extent_fits(root, record.primary_pages) || record.primary_pages < 1 + kSpacePages) {
    return change.contradiction(root, "its extent has no room for a tree with space trees");
  }
  if (auto page = change.to_change(root)) {
    page->format(root, record.objid, root_flags(record.page_flags), record.page.dbtime);
    SpaceHeader header;
    header.pages = record.primary_pages;
    header.parent = record.parent;
    header.flags = kSpaceMultiple | space_header_flags(record.page_flags);
    header.owned_root_or_free_bits = static_cast<std::uint32_t>(record.owned_root);
    put_header(*page, encode_space_header(header));
  }
  const Extent all{root, record.primary_pages};
  const std::uint32_t left = record.primary_pages - 1 - kSpacePages;
  std::vector<Extent> available;
  if (left > 0) available.push_back({after(root, 1 + kSpacePages), left});
  if (Status made = make_space_root(change, record.owned_root, record.objid, record.page_flags,
                                    record.page.dbtime, {all});
      !made.ok()) {
    return made;
  }
  return make_space_root(change, record.available_root, record.objid, record.page_flags,
                         record.page.dbtime, available);
}

// A small tree gets a second extent, and with it trees that list its extents.
Status apply_convert(const RecordChange& change) {
  const auto record = change.decoded<ConvertFdpRecord2>().fixed;
  const Pgno root = record.page.page;
  if (!extent_fits(root, record.primary_pages) ||
      !extent_fits(record.secondary_first, record.secondary_pages) ||
      record.secondary_pages < kSpacePages) {
    return change.contradiction(root, "its extents have too few pages, or too many");
  }
  if (auto page = change.to_change(root)) {
    auto header = decode_space_header(page->view().external_header());
    if (!header.ok()) return change.misfit(root, header.error().what());
    if (header.value().multiple()) return change.misfit(root, "it has space trees already");
    SpaceHeader now = header.value();
    now.flags |= kSpaceMultiple;
    now.owned_root_or_free_bits = static_cast<std::uint32_t>(record.owned_root);
    put_header(*page, encode_space_header(now));  // as long as it was
  }
  std::vector<Extent> available = free_runs(root, record.primary_pages, record.available_bits);
  if (record.secondary_pages > kSpacePages) {
    available.push_back(
        {after(record.secondary_first, kSpacePages), record.secondary_pages - kSpacePages});
  }
  const std::uint32_t flags = record.page_flags | kPageNewRecord | kPageNewChecksum;
  if (Status made = make_space_root(
          change, record.owned_root, record.objid, flags, record.page.dbtime,
          {{root, record.primary_pages}, {record.secondary_first, record.secondary_pages}});
      !made.ok()) {
    return made;
  }
  return make_space_root(change, record.available_root, record.objid, flags, record.page.dbtime,
                         available);
}

Status apply_empty_tree(const RecordChange& change) {
  const auto record = change.decoded<EmptyTreeRecord>();
  const Bytes entries = record.parts[0];
  const Pgno root = record.fixed.node.page.page;
  for (std::size_t at = 0; at < entries.size(); at += EmptyTreeEntry::kBytes) {
    const auto entry = decode<EmptyTreeEntry>(entries.subspan(at));
    if (entry.page == root) return change.contradiction(root, "it lists the root to be emptied");
    if (auto page = change.to_change(entry.page)) empty_page(*page);
  }
  if (auto page = change.to_change(root)) {
    page->erase_from(0);
    page->set_flags((page->view().flags() & ~std::uint32_t{kPageParentOfLeaf}) | kPageLeaf);
    page->set_uncommitted_free_bytes(0);
  }
  return Ok{};
}

namespace {

// The page as it was at its old place: the record has its two ends, between them is nothing.
Result<std::vector<std::byte>> moved_image(const RecordChange& change,
                                           const Record<PageMoveRecord>& record) {
  const auto& [header, trailer] = record.parts;
  const Pgno to = record.fixed.destination;
  std::vector<std::byte> image(change.page_bytes());
  const std::size_t header_bytes = PageView(image).header_bytes();
  if (header.size() < header_bytes || header.size() + trailer.size() > image.size()) {
    return change.contradiction(to, "the page in it has not the size of a page");
  }
  std::copy(header.begin(), header.end(), image.begin());
  std::copy(trailer.begin(), trailer.end(),
            image.end() - static_cast<std::ptrdiff_t>(trailer.size()));
  if (PageView(image).large()) store_le(image.data() + page_at::kPgno, to);
  if (Status whole = check_page_structure(image, change.context().database, to); !whole.ok()) {
    return change.contradiction(to, whole.error().what());
  }
  return image;
}

Status point_parent(const RecordChange& change, const PageMoveRecord& record) {
  if (record.parent == Pgno::null) return Ok{};
  auto parent = change.to_change(record.parent);
  if (!parent) return Ok{};
  const PageView view = parent->view();
  const auto line = static_cast<std::size_t>(record.parent_line);
  const bool points = record.parent_line >= 0 && line < view.lines() && !view.leaf() &&
                      view.child(line) == record.page.page;
  if (!points)
    return change.misfit(record.parent, "its line does not point to the page that moves");
  store_le(parent->data(line).data(), record.destination);
  return Ok{};
}

}  // namespace

Status apply_page_move(const RecordChange& change) {
  const auto record = change.decoded<PageMoveRecord>();
  const PageMoveRecord& move = record.fixed;
  if (Status pointed = point_parent(change, move); !pointed.ok()) return pointed;
  if (auto page = change.to_change(move.destination)) {
    auto image = moved_image(change, record);
    if (!image.ok()) return image.error();
    const MutableBytes to = change.page(move.destination).bytes;
    std::copy(image.value().begin(), image.value().end(), to.begin());
  }
  if (auto source = change.to_change(move.page.page)) empty_page(*source);
  if (move.left != Pgno::null) {
    if (auto left = change.to_change(move.left)) left->set_next(move.destination);
  }
  if (move.right != Pgno::null) {
    if (auto right = change.to_change(move.right)) right->set_previous(move.destination);
  }
  return Ok{};
}

// A root moves with the roots of its space trees, in one macro; its header says where they are.
Status apply_moved_root(std::span<const RecordChange> changes) {
  Pgno root = Pgno::null, owned = Pgno::null;
  const RecordChange* moved = nullptr;
  for (const RecordChange& change : changes) {
    if (change.type() != RecordType::page_move) continue;
    const auto move = change.decoded<PageMoveRecord>().fixed;
    if ((move.move_flags & PageMoveRecord::kOwnedRoot) != 0) owned = move.destination;
    if ((move.move_flags & PageMoveRecord::kFdpRoot) == 0) continue;
    root = move.destination;
    moved = &change;
  }
  if (moved == nullptr || owned == Pgno::null) return Ok{};
  auto page = moved->to_change(root);
  if (!page) return Ok{};
  auto header = decode_space_header(page->view().external_header());
  if (!header.ok()) return moved->misfit(root, header.error().what());
  header.value().owned_root_or_free_bits = static_cast<std::uint32_t>(owned);
  put_header(*page, encode_space_header(header.value()));
  return Ok{};
}

}  // namespace stillframe::ese

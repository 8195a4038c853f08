#include "writers/ese/format/space.hpp"

#include <algorithm>

namespace stillframe::ese {

namespace {

constexpr std::size_t kPlainBytes = 16;
constexpr std::uint8_t kHasPlain = 1;
constexpr std::uint8_t kHasAutoIncrement = 2;
constexpr std::size_t kFreeBits = 32;
constexpr std::size_t kPooledKey = 5;  // 0x80 + pool, then the page number
constexpr std::size_t kPlainKey = 4;

SpaceHeader decode_plain(Bytes bytes) {
  SpaceHeader header;
  header.pages = load_le<std::uint32_t>(bytes.data());
  header.parent = load_le<Pgno>(bytes.data() + 4);
  header.flags = load_le<std::uint32_t>(bytes.data() + 8);
  header.owned_root_or_free_bits = load_le<std::uint32_t>(bytes.data() + 12);
  return header;
}

Error broken(const std::string& why) {
  return ese_error(EseErr::database_corrupted, why);
}

// Pages behind the 32nd of a single extent are free until it becomes several.
std::vector<Extent> free_in_single(const SpaceHeader& header, Pgno root) {
  std::vector<Extent> free;
  const std::uint32_t behind_root = header.pages == 0 ? 0 : header.pages - 1;
  for (std::uint32_t i = 0; i < behind_root; ++i) {
    if (i < kFreeBits && (header.owned_root_or_free_bits >> i & 1) == 0) continue;
    const Pgno pgno{static_cast<std::uint32_t>(root) + 1 + i};
    if (i >= kFreeBits) {
      free.push_back({pgno, behind_root - i});
      break;
    }
    free.push_back({pgno, 1});
  }
  return free;
}

}  // namespace

Result<SpaceHeader> decode_space_header(Bytes bytes) {
  if (bytes.size() == kPlainBytes) return decode_plain(bytes);
  if (bytes.empty()) return broken("a tree's root has no space header");
  const auto fields = std::to_integer<std::uint8_t>(bytes[0]);
  std::size_t expected = 1;
  if ((fields & kHasPlain) != 0) expected += kPlainBytes;
  if ((fields & kHasAutoIncrement) != 0) expected += sizeof(std::uint64_t);
  if ((fields & ~(kHasPlain | kHasAutoIncrement)) != 0 || (fields & kHasPlain) == 0 ||
      bytes.size() != expected) {
    return broken("a space header of " + std::to_string(bytes.size()) +
                  " bytes has fields that this program does not know");
  }
  SpaceHeader header = decode_plain(bytes.subspan(1));
  if ((fields & kHasAutoIncrement) != 0) {
    header.next_auto_increment = load_le<std::uint64_t>(bytes.data() + 1 + kPlainBytes);
  }
  return header;
}

std::vector<std::byte> encode_space_header(const SpaceHeader& header) {
  const std::size_t at = header.next_auto_increment ? 1 : 0;
  std::vector<std::byte> bytes(at + kPlainBytes + at * sizeof(std::uint64_t));
  if (at == 1) {
    bytes[0] = std::byte{kHasPlain | kHasAutoIncrement};
    store_le(bytes.data() + 1 + kPlainBytes, *header.next_auto_increment);
  }
  store_le(bytes.data() + at, header.pages);
  store_le(bytes.data() + at + 4, header.parent);
  store_le(bytes.data() + at + 8, header.flags);
  store_le(bytes.data() + at + 12, header.owned_root_or_free_bits);
  return bytes;
}

Result<std::vector<Extent>> read_extents(const PageSource& source, Pgno root, Objid objid) {
  std::vector<Extent> extents;
  TreeCursor cursor(source, root, objid);
  Status moved = cursor.first();
  for (; moved.ok() && !cursor.at_end(); moved = cursor.next()) {
    const NodeView node = cursor.node();
    std::byte key[kPooledKey];
    if ((node.key.size() != kPlainKey && node.key.size() != kPooledKey) || node.data.size() != 4) {
      return broken(page_text(source, cursor.pgno()) + " holds something else than extents");
    }
    node.key.copy_to(key);
    const auto last = load_be<std::uint32_t>(key + node.key.size() - kPlainKey);
    const auto pages = load_le<std::uint32_t>(node.data.data());
    if (pages > last) return broken("an extent begins before the database does");
    if (pages > 0) extents.push_back({Pgno{last - pages + 1}, pages});
  }
  if (!moved.ok()) return moved.error();
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  return extents;
}

Result<Space> read_space(const PageSource& source, Pgno root, Objid objid) {
  std::vector<std::byte> page(source.page_bytes());
  if (Status read = read_checked_page(source, root, page); !read.ok()) return read.error();
  const PageView view(page);
  if (view.objid() != objid || !view.root()) {
    return ese_error(EseErr::bad_page_link, page_text(source, root) +
                                                " is not the root of object " +
                                                std::to_string(static_cast<std::uint32_t>(objid)));
  }
  Result<SpaceHeader> header = decode_space_header(view.external_header());
  if (!header.ok()) return header.error().while_doing(page_text(source, root));
  Space space{header.value(), {}, {}};
  if (!space.header.multiple()) {
    space.owned.push_back({root, space.header.pages});
    space.available = free_in_single(space.header, root);
    return space;
  }
  auto owned = read_extents(source, space.header.owned_root(), objid);
  if (!owned.ok()) return owned.error().while_doing("reading what object owns");
  auto available = read_extents(source, space.header.available_root(), objid);
  if (!available.ok()) return available.error().while_doing("reading what is free");
  space.owned = std::move(owned).value();
  space.available = std::move(available).value();
  return space;
}

}  // namespace stillframe::ese

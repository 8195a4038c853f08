// A database page as a view: header, tags, nodes. docs/formats/pages.md has the bytes.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

enum PageFlag : std::uint32_t {
  kPageRoot = 0x1,
  kPageLeaf = 0x2,
  kPageParentOfLeaf = 0x4,
  kPageEmpty = 0x8,
  kPageRepaired = 0x10,
  kPageSpace = 0x20,
  kPageIndex = 0x40,
  kPageLongValue = 0x80,
  kPageNonUnique = 0x400,
  kPageNewRecord = 0x800,
  kPageNewChecksum = 0x2000,
  kPageScrubbed = 0x4000,
  kPageFlushType = 0x18000,
  kPagePreInit = 0x20000,
  kPageFdpDelete = 0x40000,
};

enum NodeFlag : std::uint8_t { kNodeVersion = 1, kNodeDeleted = 2, kNodeCompressed = 4 };

// The part of the header that pages of every size have.
struct PageHeader {
  static constexpr std::size_t kBytes = 40;

  std::uint64_t checksum = 0;
  Dbtime dbtime{};
  Pgno previous{}, next{};
  Objid objid{};
  std::uint16_t free_bytes = 0;
  std::uint16_t uncommitted_free_bytes = 0;
  std::uint16_t data_end = 0;  // of the used area, from the end of the header
  std::uint16_t tag_state = 0;
  std::uint32_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(8, "dbtime", self.dbtime);
    visit(16, "previous", self.previous);
    visit(20, "next", self.next);
    visit(24, "objid", self.objid);
    visit(28, "free_bytes", self.free_bytes);
    visit(30, "uncommitted_free_bytes", self.uncommitted_free_bytes);
    visit(32, "data_end", self.data_end);
    visit(34, "tag_state", self.tag_state);
    visit(36, "flags", self.flags);
  }
};

// What follows it on pages above 8 KiB.
struct LargePageHeader {
  static constexpr std::size_t kBytes = 40;

  std::array<std::uint64_t, 3> checksums{};  // of blocks 1 to 3
  Pgno pgno{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksums", self.checksums);
    visit(24, "pgno", self.pgno);
  }
};

namespace page_at {
inline constexpr std::size_t kDbtime = 8, kPrevious = 16, kNext = 20, kObjid = 24, kFree = 28,
                             kUncommittedFree = 30, kDataEnd = 32, kTagState = 34, kFlags = 36,
                             kPgno = 64;
}  // namespace page_at

inline constexpr std::size_t kTagBytes = 4;
inline constexpr unsigned kNodeFlagsShift = 13;  // where they lie beside an offset or a size
inline constexpr std::size_t kNodeWordBytes = 2;
inline constexpr std::size_t kTagsMax = 0xFFF;
inline constexpr std::size_t kSplitBufferBytes = 16;
// A prefix of this many bytes or fewer is not worth its size word.
inline constexpr std::size_t kPrefixBytesUseless = 2;

// A key in the two pieces it has on a page. Compares as the bytes one after the other.
struct KeyView {
  Bytes prefix;
  Bytes suffix;

  std::size_t size() const { return prefix.size() + suffix.size(); }
  bool empty() const { return size() == 0; }
  std::byte operator[](std::size_t at) const {
    return at < prefix.size() ? prefix[at] : suffix[at - prefix.size()];
  }
  // `to` has room for size() bytes.
  void copy_to(std::byte* to) const {
    if (!prefix.empty()) std::memcpy(to, prefix.data(), prefix.size());
    if (!suffix.empty()) std::memcpy(to + prefix.size(), suffix.data(), suffix.size());
  }
};

inline std::strong_ordering compare_bytes(Bytes a, Bytes b) {
  const std::size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order != 0) return order <=> 0;
  return a.size() <=> b.size();
}

std::strong_ordering compare_split_keys(const KeyView& a, const KeyView& b);

inline std::strong_ordering compare_keys(const KeyView& a, const KeyView& b) {
  if (a.prefix.empty() && b.prefix.empty()) return compare_bytes(a.suffix, b.suffix);
  return compare_split_keys(a, b);
}

struct NodeView {
  KeyView key;
  Bytes data;
  std::uint8_t flags = 0;

  bool deleted() const { return (flags & kNodeDeleted) != 0; }
};

struct Tag {
  std::size_t offset = 0;  // from the end of the page's header
  std::size_t size = 0;
  std::uint8_t flags = 0;  // of small pages; large ones keep them in the node
};

// Reads without checks beyond those of a debug build: only for pages that check_page_structure()
// has passed or that this program wrote. Cheap to copy; refers to the page.
class PageView {
 public:
  explicit PageView(Bytes page) : page_(page) {}

  Bytes bytes() const { return page_; }
  bool large() const { return page_.size() > 8192; }
  std::size_t header_bytes() const { return large() ? 80 : 40; }

  Dbtime dbtime() const { return field<Dbtime>(page_at::kDbtime); }
  Pgno previous() const { return field<Pgno>(page_at::kPrevious); }
  Pgno next() const { return field<Pgno>(page_at::kNext); }
  Objid objid() const { return field<Objid>(page_at::kObjid); }
  std::size_t free_bytes() const { return field<std::uint16_t>(page_at::kFree); }
  std::size_t uncommitted_free_bytes() const {
    return field<std::uint16_t>(page_at::kUncommittedFree);
  }
  std::size_t data_end() const { return field<std::uint16_t>(page_at::kDataEnd); }
  std::uint32_t flags() const { return field<std::uint32_t>(page_at::kFlags); }
  bool has(PageFlag flag) const { return (flags() & flag) != 0; }
  bool leaf() const { return has(kPageLeaf); }
  bool root() const { return has(kPageRoot); }

  std::size_t tags() const { return field<std::uint16_t>(page_at::kTagState) & kTagsMax; }
  // Tags before the first line. The header says 0 for the one that pages always had.
  std::size_t reserved_tags() const {
    return std::max<std::size_t>(1, field<std::uint16_t>(page_at::kTagState) >> 12 & 7);
  }
  std::size_t lines() const {
    const std::size_t reserved = reserved_tags();
    return tags() > reserved ? tags() - reserved : 0;
  }

  Tag tag(std::size_t index) const {
    constexpr std::size_t kSmallMask = 0x1FFF, kLargeMask = 0x7FFF;
    const std::byte* at = page_.data() + page_.size() - kTagBytes * (index + 1);
    const unsigned size = load_le<std::uint16_t>(at);
    const unsigned offset = load_le<std::uint16_t>(at + kNodeWordBytes);
    const std::size_t mask = large() ? kLargeMask : kSmallMask;
    Tag tag{offset & mask, size & mask,
            large() ? std::uint8_t{0} : static_cast<std::uint8_t>(offset >> kNodeFlagsShift)};
    if (tag.size == 0) tag.offset = 0;  // an empty tag keeps an offset that means nothing
    return tag;
  }
  Bytes body(const Tag& tag) const { return page_.subspan(header_bytes() + tag.offset, tag.size); }

  Bytes external_header() const { return tags() == 0 ? Bytes{} : body(tag(0)); }
  // What the keys of compressed nodes begin with.
  Bytes prefix() const;

  NodeView node(std::size_t line) const;
  Bytes data(std::size_t line) const { return node(line).data; }
  std::uint8_t node_flags(std::size_t line) const { return node(line).flags; }
  // An internal page's pointer.
  Pgno child(std::size_t line) const { return load_le<Pgno>(data(line).data()); }

 private:
  template <class T>
  T field(std::size_t at) const {
    return load_le<T>(page_.data() + at);
  }

  Bytes page_;
};

// Whether the sizes inside a node add up to no more than its body has, and leave a pointer if it
// has to be one. Of a page with a prefix of `prefix_bytes`.
bool node_fits(Bytes body, unsigned flags, std::size_t prefix_bytes, bool pointer);

// The nodes of a page by their lines, for who looks at many: what the header says is looked up
// once. As long as nobody changes the page.
class NodeTable {
 public:
  explicit NodeTable(const PageView& page)
      : bodies_(page.bytes().data() + page.header_bytes()),
        tags_(page.bytes().data() + page.bytes().size() - kTagBytes * (page.reserved_tags() + 1)),
        lines_(page.lines()),
        large_(page.large()),
        prefix_(page.prefix()) {}

  std::size_t size() const { return lines_; }

  NodeView operator[](std::size_t line) const {
    constexpr std::size_t kSmallMask = 0x1FFF, kLargeMask = 0x7FFF, kKeyMask = 0x1FFF;
    const std::byte* tag = tags_ - kTagBytes * line;
    const std::size_t mask = large_ ? kLargeMask : kSmallMask;
    const unsigned size = load_le<std::uint16_t>(tag);
    const unsigned offset = load_le<std::uint16_t>(tag + kNodeWordBytes);
    const Bytes body(bodies_ + (offset & mask), size & mask);
    const unsigned first = load_le<std::uint16_t>(body.data());
    NodeView node;
    node.flags = static_cast<std::uint8_t>((large_ ? first : offset) >> kNodeFlagsShift);
    std::size_t at = kNodeWordBytes, suffix = first & kKeyMask;
    if ((node.flags & kNodeCompressed) != 0) {
      node.key.prefix = prefix_.first(suffix);
      suffix = load_le<std::uint16_t>(body.data() + at) & kKeyMask;
      at += kNodeWordBytes;
    }
    node.key.suffix = body.subspan(at, suffix);
    node.data = body.subspan(at + suffix);
    return node;
  }

 private:
  const std::byte* bodies_;
  const std::byte* tags_;  // the first line's
  std::size_t lines_;
  bool large_;
  Bytes prefix_;
};

// The first line of an internal page to follow for `key`: that of the first separator above it, or
// the last line. The page has lines.
std::size_t line_to_descend(const PageView& page, const KeyView& key);

// The first line of a leaf whose key is not below `key`; lines() if there is none.
std::size_t lower_bound_line(const PageView& page, const KeyView& key);

// Whether every tag and node lies within the page, so that PageView may be used. Fast: on the way
// of every page that is read. `name` and `pgno` are for the message (database_corrupted).
Status check_page_structure(Bytes page, std::string_view name, Pgno pgno);

}  // namespace stillframe::ese

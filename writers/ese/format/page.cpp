#include "writers/ese/format/page.hpp"

#include "framework/base/check.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kSmallMask = 0x1FFF;
constexpr std::size_t kLargeMask = 0x7FFF;
constexpr std::size_t kSizeMask = 0x1FFF;  // of the key sizes in a node

std::uint16_t word_at(Bytes bytes, std::size_t at) {
  return load_le<std::uint16_t>(bytes.data() + at);
}

Error damaged(std::string_view name, Pgno pgno, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "page " + std::to_string(static_cast<std::uint32_t>(pgno)) + " of '" +
                       std::string(name) + "': " + why);
}

std::uint8_t flags_of(const PageView& page, const Tag& tag, Bytes body) {
  return page.large() ? static_cast<std::uint8_t>(word_at(body, 0) >> kNodeFlagsShift) : tag.flags;
}

// Whether the sizes inside a node add up to no more than the node.
bool whole_node(const PageView& page, const Tag& tag, std::size_t prefix_bytes) {
  const Bytes body = page.body(tag);
  if (body.size() < kNodeWordBytes) return false;
  const bool compressed = (flags_of(page, tag, body) & kNodeCompressed) != 0;
  if (!compressed) return kNodeWordBytes + (word_at(body, 0) & kSizeMask) <= body.size();
  if (body.size() < 2 * kNodeWordBytes) return false;
  return (word_at(body, 0) & kSizeMask) <= prefix_bytes &&
         2 * kNodeWordBytes + (word_at(body, kNodeWordBytes) & kSizeMask) <= body.size();
}

}  // namespace

std::strong_ordering compare_keys(const KeyView& a, const KeyView& b) {
  if (a.prefix.empty() && b.prefix.empty()) return compare_bytes(a.suffix, b.suffix);
  const std::size_t common = std::min(a.size(), b.size());
  std::size_t at = 0;
  while (at < common) {
    // The longest run that is in one piece on both sides.
    const Bytes left =
        at < a.prefix.size() ? a.prefix.subspan(at) : a.suffix.subspan(at - a.prefix.size());
    const Bytes right =
        at < b.prefix.size() ? b.prefix.subspan(at) : b.suffix.subspan(at - b.prefix.size());
    const std::size_t run = std::min(left.size(), right.size());
    if (const int order = std::memcmp(left.data(), right.data(), run); order != 0) {
      return order <=> 0;
    }
    at += run;
  }
  return a.size() <=> b.size();
}

Tag PageView::tag(std::size_t index) const {
  const std::byte* at = page_.data() + page_.size() - kTagBytes * (index + 1);
  const auto size = load_le<std::uint16_t>(at);
  const auto offset = load_le<std::uint16_t>(at + kNodeWordBytes);
  const std::size_t mask = large() ? kLargeMask : kSmallMask;
  Tag tag{offset & mask, size & mask,
          large() ? std::uint8_t{0} : static_cast<std::uint8_t>(offset >> kNodeFlagsShift)};
  if (tag.size == 0) tag.offset = 0;  // an empty tag keeps an offset that means nothing
  return tag;
}

Bytes PageView::prefix() const {
  const Bytes whole = external_header();
  if (!root()) return whole;
  if (!has(kPageSpace) || whole.size() < kSplitBufferBytes) return {};
  return whole.subspan(kSplitBufferBytes);
}

NodeView PageView::node(std::size_t line) const {
  STILLFRAME_DCHECK(line < lines(), "a line that the page does not have");
  const Tag where = tag(line + reserved_tags());
  const Bytes body = this->body(where);
  NodeView node;
  node.flags = flags_of(*this, where, body);
  std::size_t at = kNodeWordBytes;
  std::size_t suffix = word_at(body, 0) & kSizeMask;
  if ((node.flags & kNodeCompressed) != 0) {
    node.key.prefix = prefix().first(suffix);
    suffix = word_at(body, kNodeWordBytes) & kSizeMask;
    at = 2 * kNodeWordBytes;
  }
  node.key.suffix = body.subspan(at, suffix);
  node.data = body.subspan(at + suffix);
  return node;
}

std::size_t line_to_descend(const PageView& page, const KeyView& key) {
  std::size_t low = 0, high = page.lines() - 1;  // the last line takes whatever is left
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (compare_keys(page.node(middle).key, key) > 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::size_t lower_bound_line(const PageView& page, const KeyView& key) {
  std::size_t low = 0, high = page.lines();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (compare_keys(page.node(middle).key, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Status check_page_structure(Bytes bytes, std::string_view name, Pgno pgno) {
  STILLFRAME_CHECK(is_page_size(bytes.size()), "a page is a power of two of 2 to 32 KiB");
  const PageView page(bytes);
  const std::size_t tags_bytes = page.tags() * kTagBytes;
  if (page.header_bytes() + tags_bytes > bytes.size()) {
    return damaged(name, pgno, std::to_string(page.tags()) + " tags do not fit on it");
  }
  const std::size_t room = bytes.size() - page.header_bytes() - tags_bytes;
  const bool internal = !page.leaf() && !page.has(kPageEmpty) && !page.has(kPagePreInit);
  const std::size_t tags = page.tags(), reserved = page.reserved_tags();
  std::size_t prefix_bytes = 0;
  for (std::size_t i = 0; i < tags; ++i) {
    const Tag tag = page.tag(i);
    if (tag.offset + tag.size > room) {
      return damaged(name, pgno, "tag " + std::to_string(i) + " points outside the page");
    }
    if (i == 0) prefix_bytes = page.prefix().size();  // it is in the first tag's body
    if (i < reserved) continue;
    const std::size_t line = i - reserved;
    if (!whole_node(page, tag, prefix_bytes)) {
      return damaged(name, pgno, "line " + std::to_string(line) + " is longer than its tag says");
    }
    if (internal && page.data(line).size() != sizeof(Pgno)) {
      return damaged(name, pgno, "line " + std::to_string(line) + " is not a pointer to a page");
    }
  }
  return Ok{};
}

}  // namespace stillframe::ese

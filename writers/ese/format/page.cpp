#include "writers/ese/format/page.hpp"

#include "framework/base/check.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese {

namespace {

std::uint16_t word_at(Bytes bytes, std::size_t at) {
  return load_le<std::uint16_t>(bytes.data() + at);
}

Error damaged(std::string_view name, Pgno pgno, const std::string& why) {
  return ese_error(EseErr::database_corrupted,
                   "page " + std::to_string(static_cast<std::uint32_t>(pgno)) + " of '" +
                       std::string(name) + "': " + why);
}

unsigned flags_of(const PageView& page, const Tag& tag, Bytes body) {
  if (!page.large()) return tag.flags;
  return body.size() < kNodeWordBytes ? 0U : word_at(body, 0) >> unsigned{kNodeFlagsShift};
}

}  // namespace

std::strong_ordering compare_split_keys(const KeyView& a, const KeyView& b) {
  if (b.prefix.empty()) {  // as of nearly every key that is looked for
    const std::size_t first = std::min(a.prefix.size(), b.suffix.size());
    const auto order = compare_bytes(a.prefix.first(first), b.suffix.first(first));
    if (order != 0) return order;
    if (first < a.prefix.size()) return std::strong_ordering::greater;
    return compare_bytes(a.suffix, b.suffix.subspan(first));
  }
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

Bytes PageView::prefix() const {
  const Bytes whole = external_header();
  if (!root()) return whole;
  if (!has(kPageSpace) || whole.size() < kSplitBufferBytes) return {};
  return whole.subspan(kSplitBufferBytes);
}

NodeView PageView::node(std::size_t line) const {
  STILLFRAME_DCHECK(line < lines(), "a line that the page does not have");
  return NodeTable(*this)[line];
}

std::size_t line_to_descend(const PageView& page, const KeyView& key) {
  const NodeTable nodes(page);
  std::size_t low = 0, high = nodes.size() - 1;  // the last line takes whatever is left
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (compare_keys(nodes[middle].key, key) > 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::size_t lower_bound_line(const PageView& page, const KeyView& key) {
  const NodeTable nodes(page);
  std::size_t low = 0, high = nodes.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (compare_keys(nodes[middle].key, key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool node_fits(Bytes body, unsigned flags, std::size_t prefix_bytes, bool pointer) {
  constexpr std::size_t kKeyMask = 0x1FFF;
  if (body.size() < kNodeWordBytes) return false;
  std::size_t key = word_at(body, 0) & kKeyMask, at = kNodeWordBytes;
  if ((flags & kNodeCompressed) != 0) {
    at += kNodeWordBytes;
    if (body.size() < at || key > prefix_bytes) return false;
    key = word_at(body, kNodeWordBytes) & kKeyMask;
  }
  const std::size_t before_data = at + key;
  return before_data <= body.size() && (!pointer || body.size() - before_data == sizeof(Pgno));
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
    const Bytes body = page.body(tag);
    const unsigned flags = flags_of(page, tag, body);
    if (node_fits(body, flags, prefix_bytes, internal)) continue;
    const std::string line = "line " + std::to_string(i - reserved);
    return damaged(
        name, pgno,
        line + (node_fits(body, flags, prefix_bytes, false) ? " is not a pointer to a page"
                                                            : " is longer than its tag says"));
  }
  return Ok{};
}

}  // namespace stillframe::ese

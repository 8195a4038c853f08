#include "writers/ese/format/page_check.hpp"

#include <algorithm>
#include <array>

#include "framework/base/check.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese {

namespace {

using Findings = std::vector<PageFinding>;

std::size_t tagged_bytes(const PageView& page) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < page.tags(); ++i) sum += page.tag(i).size;
  return sum;
}

void check_space(const PageView& page, Findings& findings) {
  const std::size_t sum =
      tagged_bytes(page) + page.tags() * kTagBytes + page.free_bytes() + page.header_bytes();
  if (sum != page.bytes().size()) {
    findings.push_back({PageRule::space_adds_up, "header, tags, bodies and free bytes are " +
                                                     std::to_string(sum) + " bytes"});
  }
}

void check_bodies(const PageView& page, Findings& findings) {
  std::vector<Tag> tags;
  for (std::size_t i = 0; i < page.tags(); ++i) {
    if (const Tag tag = page.tag(i); tag.size > 0) tags.push_back(tag);
  }
  std::sort(tags.begin(), tags.end(),
            [](const Tag& a, const Tag& b) { return a.offset < b.offset; });
  for (std::size_t i = 0; i + 1 < tags.size(); ++i) {
    if (tags[i].offset + tags[i].size > tags[i + 1].offset) {
      findings.push_back({PageRule::bodies_apart, "two bodies share bytes at offset " +
                                                      std::to_string(tags[i + 1].offset)});
    }
  }
  if (!tags.empty() && tags.back().offset + tags.back().size > page.data_end()) {
    findings.push_back({PageRule::data_end_behind, "a body lies behind the end of the used area"});
  }
}

// Which bytes of a page bodies have taken.
class UsedBytes {
 public:
  explicit UsedBytes(std::size_t page_bytes) { std::fill_n(words_.begin(), page_bytes / kBits, 0); }

  // False if any of them is used already.
  bool take(std::size_t begin, std::size_t size) {
    while (size > 0) {
      const std::size_t bit = begin % kBits, count = std::min(size, kBits - bit);
      const std::uint64_t mask = (~std::uint64_t{0} >> (kBits - count)) << bit;
      std::uint64_t& word = words_[begin / kBits];
      if ((word & mask) != 0) return false;
      word |= mask;
      begin += count;
      size -= count;
    }
    return true;
  }

 private:
  static constexpr std::size_t kBits = 64;
  std::array<std::uint64_t, kPageBytesMax / kBits> words_;  // as many as the page needs
};

// All that check_page_for_editing() asks, without words for what is wrong: every page that is read
// goes through this.
bool is_fit_for_editing(Bytes bytes) {
  const PageView page(bytes);
  const std::size_t tags = page.tags(), reserved = page.reserved_tags();
  const std::size_t header = page.header_bytes(), tags_bytes = tags * kTagBytes;
  if (header + tags_bytes > bytes.size() || tags < reserved) return false;
  const std::size_t room = bytes.size() - header - tags_bytes;
  if (page.data_end() > room) return false;
  const bool internal = !page.leaf() && !page.has(kPageEmpty) && !page.has(kPagePreInit);
  const bool large = page.large();
  UsedBytes used(bytes.size());
  std::size_t sum = 0, end = 0, prefix_bytes = 0;
  for (std::size_t i = 0; i < tags; ++i) {
    const Tag tag = page.tag(i);
    if (tag.offset + tag.size > room || !used.take(tag.offset, tag.size)) return false;
    sum += tag.size;
    end = std::max(end, tag.offset + tag.size);
    if (i == 0) prefix_bytes = page.prefix().size();  // it is in the first tag's body
    if (i < reserved) continue;
    const Bytes body = bytes.subspan(header + tag.offset, tag.size);
    const unsigned flags = !large ? tag.flags
                           : body.size() >= 2
                               ? load_le<std::uint16_t>(body.data()) >> kNodeFlagsShift
                               : 0U;
    if (!node_fits(body, flags, prefix_bytes, internal)) return false;
  }
  return end <= page.data_end() && sum + tags_bytes + page.free_bytes() + header == bytes.size();
}

bool ascend(const PageView& page, const NodeView& a, const NodeView& b) {
  const auto order = compare_keys(a.key, b.key);
  if (order < 0) return true;
  return order == 0 && page.has(kPageNonUnique) && compare_bytes(a.data, b.data) < 0;
}

void check_leaf(const PageView& page, Findings& findings) {
  for (std::size_t line = 1; line < page.lines(); ++line) {
    if (!ascend(page, page.node(line - 1), page.node(line))) {
      findings.push_back({PageRule::keys_ascend,
                          "line " + std::to_string(line) + " is not behind the one before it"});
    }
  }
}

void check_internal(const PageView& page, Findings& findings) {
  for (std::size_t line = 0; line < page.lines(); ++line) {
    const NodeView node = page.node(line);
    const bool last = line + 1 == page.lines();
    if (node.key.empty() && !last) {
      findings.push_back(
          {PageRule::last_separator, "line " + std::to_string(line) + " has no separator"});
    } else if (line > 0 && !node.key.empty() &&
               compare_keys(page.node(line - 1).key, node.key) >= 0) {
      findings.push_back({PageRule::keys_ascend,
                          "separator " + std::to_string(line) + " is not above the one before it"});
    }
  }
}

}  // namespace

std::string_view name_of(PageRule rule) noexcept {
  switch (rule) {
    case PageRule::structure:
      return "structure";
    case PageRule::space_adds_up:
      return "space_adds_up";
    case PageRule::bodies_apart:
      return "bodies_apart";
    case PageRule::data_end_behind:
      return "data_end_behind";
    case PageRule::pointers_only:
      return "pointers_only";
    case PageRule::keys_ascend:
      return "keys_ascend";
    case PageRule::last_separator:
      return "last_separator";
    case PageRule::no_root_prefix:
      return "no_root_prefix";
    case PageRule::large_page_number:
      return "large_page_number";
  }
  return "unknown";
}

std::vector<PageFinding> check_page(Bytes bytes, Pgno pgno) {
  Findings findings;
  if (Status whole = check_page_structure(bytes, "", pgno); !whole.ok()) {
    return {{PageRule::structure, whole.error().what()}};
  }
  const PageView page(bytes);
  if (page.large() && load_le<Pgno>(bytes.data() + page_at::kPgno) != pgno) {
    findings.push_back({PageRule::large_page_number, "it bears another page's number"});
  }
  if (page.has(kPageEmpty) || page.has(kPagePreInit)) return findings;
  check_space(page, findings);
  check_bodies(page, findings);
  if (page.root() && !page.has(kPageSpace)) {
    for (std::size_t line = 0; line < page.lines(); ++line) {
      if ((page.node_flags(line) & kNodeCompressed) != 0) {
        findings.push_back(
            {PageRule::no_root_prefix, "line " + std::to_string(line) + " counts on a prefix"});
      }
    }
  }
  if (page.leaf()) {
    check_leaf(page, findings);
  } else {
    check_internal(page, findings);
  }
  return findings;
}

Status check_page_for_editing(Bytes bytes, std::string_view name, Pgno pgno) {
  STILLFRAME_CHECK(is_page_size(bytes.size()), "a page is a power of two of 2 to 32 KiB");
  if (is_fit_for_editing(bytes)) return Ok{};
  if (Status whole = check_page_structure(bytes, name, pgno); !whole.ok()) return whole;
  const PageView page(bytes);
  const std::size_t room = bytes.size() - page.header_bytes() - page.tags() * kTagBytes;
  Findings findings;
  check_space(page, findings);
  if (page.data_end() > room || page.tags() < page.reserved_tags()) {
    findings.push_back({PageRule::data_end_behind, "the used area runs into the tags"});
  }
  check_bodies(page, findings);
  if (findings.empty()) return Ok{};
  return ese_error(EseErr::database_corrupted,
                   "page " + std::to_string(static_cast<std::uint32_t>(pgno)) + " of '" +
                       std::string(name) + "': " + findings.front().what);
}

}  // namespace stillframe::ese

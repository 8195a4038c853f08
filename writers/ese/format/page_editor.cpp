#include "writers/ese/format/page_editor.hpp"

#include <algorithm>
#include <array>

#include "framework/base/check.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint16_t kLowBits = 0x1FFF;

}  // namespace

void PageEditor::format(Pgno pgno, Objid objid, std::uint32_t flags, Dbtime dbtime) {
  std::fill(page_.begin(), page_.end(), std::byte{0});
  set_objid(objid);
  set_flags(flags);
  set_dbtime(dbtime);
  if (view().large()) store(page_at::kPgno, pgno);
  store_word(page_at::kTagState, 1);
  store_word(page_at::kFree, page_.size() - view().header_bytes() - kTagBytes);
}

bool PageEditor::insert(std::size_t line, const NodeParts& node) {
  const PageView page = view();
  const std::size_t size = node.body_bytes();
  const std::size_t count = page.tags(), index = line + page.reserved_tags();
  STILLFRAME_DCHECK(index <= count, "a line is inserted behind the last");
  if (page.free_bytes() < size + kTagBytes || count >= kTagsMax) return false;
  const std::size_t offset = take_room(size + kTagBytes);  // the tag array grows towards the bodies
  std::byte* tags = page_.data() + page_.size() - kTagBytes * count;
  std::memmove(tags - kTagBytes, tags, kTagBytes * (count - index));
  set_tag_count(count + 1);
  set_tag(index, offset, size, 0);
  store_word(page_at::kDataEnd, offset + size);
  store_word(page_at::kFree, page.free_bytes() - size - kTagBytes);
  write_node(index, node);
  return true;
}

void PageEditor::erase(std::size_t line) {
  const PageView page = view();
  const std::size_t count = page.tags(), index = line + page.reserved_tags();
  give_back(page.tag(index));
  std::byte* tags = page_.data() + page_.size() - kTagBytes * count;
  std::memmove(tags + kTagBytes, tags, kTagBytes * (count - index - 1));
  store_le(tags, std::uint32_t{0});
  set_tag_count(count - 1);
  store_word(page_at::kFree, page.free_bytes() + kTagBytes);
  const bool bare = count - 1 == page.reserved_tags() && page.external_header().empty();
  if (bare && page.reserved_tags() == 1) store_word(page_at::kDataEnd, 0);
}

void PageEditor::erase_from(std::size_t from) {
  for (std::size_t line = view().lines(); line-- > from;) erase(line);
}

bool PageEditor::resize(std::size_t index, std::size_t size, std::size_t keep) {
  const PageView page = view();
  const Tag old = page.tag(index);
  if (size > old.size && page.free_bytes() < size - old.size) return false;
  if (size <= old.size) {
    if (old.offset + old.size == page.data_end()) store_word(page_at::kDataEnd, old.offset + size);
    set_tag(index, old.offset, size, old.flags);
    store_word(page_at::kFree, page.free_bytes() + old.size - size);
    return true;
  }
  // It does not fit in its place: what stays of it is kept aside while the bodies may move.
  std::array<std::byte, kPageBytesMax> kept;
  std::memcpy(kept.data(), page.body(old).data(), keep);
  give_back(old);
  set_tag(index, 0, 0, old.flags);
  const std::size_t offset = take_room(size);
  set_tag(index, offset, size, old.flags);
  store_word(page_at::kDataEnd, offset + size);
  store_word(page_at::kFree, page.free_bytes() - size);
  std::memcpy(page_.data() + page.header_bytes() + offset, kept.data(), keep);
  return true;
}

bool PageEditor::replace_data(std::size_t line, Bytes data) {
  const PageView page = view();
  const std::size_t index = line + page.reserved_tags();
  const std::size_t key = page.tag(index).size - page.data(line).size();
  if (!resize(index, key + data.size(), key)) return false;
  if (!data.empty()) std::memmove(this->data(line).data(), data.data(), data.size());
  return true;
}

bool PageEditor::replace(std::size_t line, const NodeParts& node) {
  const std::size_t index = line + view().reserved_tags();
  if (!resize(index, node.body_bytes(), 0)) return false;
  write_node(index, node);
  return true;
}

void PageEditor::set_node_flags(std::size_t line, std::uint8_t flags) {
  const PageView page = view();
  const std::size_t index = line + page.reserved_tags();
  const Tag tag = page.tag(index);
  const auto all = static_cast<std::uint8_t>((flags & ~kNodeCompressed) |
                                             (page.node_flags(line) & kNodeCompressed));
  if (!page.large()) return set_tag(index, tag.offset, tag.size, all);
  std::byte* body = page_.data() + page.header_bytes() + tag.offset;
  store_le(body, static_cast<std::uint16_t>((load_le<std::uint16_t>(body) & kLowBits) |
                                            all << kNodeFlagsShift));
}

MutableBytes PageEditor::data(std::size_t line) {
  const Bytes data = view().data(line);
  return page_.subspan(static_cast<std::size_t>(data.data() - page_.data()), data.size());
}

bool PageEditor::set_external_header(Bytes header) {
  if (!resize(0, header.size(), 0)) return false;
  if (!header.empty()) {
    std::memcpy(page_.data() + view().header_bytes() + view().tag(0).offset, header.data(),
                header.size());
  }
  return true;
}

void PageEditor::clear() {
  const PageView page = view();
  std::fill(page_.begin() + static_cast<std::ptrdiff_t>(page.header_bytes()), page_.end(),
            std::byte{0});
  set_tag_count(1);
  store_word(page_at::kDataEnd, 0);
  store_word(page_at::kFree, page_.size() - page.header_bytes() - kTagBytes);
}

// In the order of the tags, which is that of the keys: the next scan reads forwards.
void PageEditor::compact() {
  const PageView page = view();
  std::array<std::byte, kPageBytesMax> copy;
  const std::size_t used = page.data_end();
  std::byte* bodies = page_.data() + page.header_bytes();
  std::memcpy(copy.data(), bodies, used);
  std::size_t end = 0;
  for (std::size_t i = 0; i < page.tags(); ++i) {
    const Tag tag = page.tag(i);
    if (tag.size == 0) continue;
    std::memcpy(bodies + end, copy.data() + tag.offset, tag.size);
    set_tag(i, end, tag.size, tag.flags);
    end += tag.size;
  }
  store_word(page_at::kDataEnd, end);
}

void PageEditor::set_tag(std::size_t index, std::size_t offset, std::size_t size,
                         std::uint8_t flags) {
  std::byte* at = page_.data() + page_.size() - kTagBytes * (index + 1);
  store_le(at, static_cast<std::uint16_t>(size));
  store_le(at + kNodeWordBytes,
           static_cast<std::uint16_t>(offset |
                                      (view().large() ? 0U : unsigned{flags} << kNodeFlagsShift)));
}

void PageEditor::set_tag_count(std::size_t count) {
  const auto state = load_le<std::uint16_t>(page_.data() + page_at::kTagState);
  store_word(page_at::kTagState, (state & ~kTagsMax) | count);
}

std::size_t PageEditor::take_room(std::size_t size) {
  const auto room_behind = [&] {
    const PageView page = view();
    return page_.size() - page.header_bytes() - page.tags() * kTagBytes - page.data_end();
  };
  if (room_behind() < size) compact();
  STILLFRAME_DCHECK(room_behind() >= size, "a page promises more free bytes than it has");
  return view().data_end();
}

void PageEditor::give_back(const Tag& tag) {
  const PageView page = view();
  store_word(page_at::kFree, page.free_bytes() + tag.size);
  if (tag.size > 0 && tag.offset + tag.size == page.data_end()) {
    store_word(page_at::kDataEnd, tag.offset);
  }
}

void PageEditor::write_node(std::size_t index, const NodeParts& node) {
  const PageView page = view();
  const Tag tag = page.tag(index);
  const bool compressed = node.prefix_bytes > 0;
  const auto flags = static_cast<std::uint8_t>((node.flags & ~kNodeCompressed) |
                                               (compressed ? kNodeCompressed : 0));
  const unsigned in_node = page.large() ? unsigned{flags} << kNodeFlagsShift : 0U;
  if (!page.large()) set_tag(index, tag.offset, tag.size, flags);
  std::byte* at = page_.data() + page.header_bytes() + tag.offset;
  const std::size_t first = compressed ? node.prefix_bytes : node.suffix.size();
  store_le(at, static_cast<std::uint16_t>(first | in_node));
  at += kNodeWordBytes;
  if (compressed) {
    store_le(at, static_cast<std::uint16_t>(node.suffix.size()));
    at += kNodeWordBytes;
  }
  if (!node.suffix.empty()) std::memcpy(at, node.suffix.data(), node.suffix.size());
  at += node.suffix.size();
  if (!node.data.empty()) std::memcpy(at, node.data.data(), node.data.size());
}

}  // namespace stillframe::ese

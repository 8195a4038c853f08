#include "writers/ese/engine/split_buffer.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/engine/logged_change.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

// How many pages a tree of extents may need for one change: none if its root has room to spare; for
// a root that splits; for a split on every level of a deeper tree.
constexpr std::uint32_t kPagesOfFullRoot = 3, kPagesOfDeepTree = 5;
constexpr std::size_t kPairBytes = 8;

std::uint32_t page_number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

// The two runs of pages that a buffer can hold.
std::vector<Extent> buffered(const PageRef& root) {
  const Bytes header = PageView(root.bytes()).external_header();
  std::vector<Extent> extents;
  for (std::size_t at = 0; at + kPairBytes <= std::min(header.size(), kSplitBufferBytes);
       at += kPairBytes) {
    const auto last = load_le<std::uint32_t>(header.data() + at);
    const auto pages = load_le<std::uint32_t>(header.data() + at + 4);
    if (pages > 0 && pages <= last) extents.push_back({Pgno{last - pages + 1}, pages});
  }
  return extents;
}

// False when there is no place for it.
bool add_to(std::vector<Extent>& extents, const Extent& extent) {
  for (Extent& each : extents) {
    if (page_number(each.first) + each.pages == page_number(extent.first)) {
      each.pages += extent.pages;
      return true;
    }
    if (page_number(extent.first) + extent.pages == page_number(each.first)) {
      each = {extent.first, each.pages + extent.pages};
      return true;
    }
  }
  if (extents.size() == kSplitBufferBytes / kPairBytes) return false;
  extents.push_back(extent);
  return true;
}

}  // namespace

Result<PageRef> SplitBuffer::fix_root(LatchMode mode) const {
  return database_.cache.fix(database_.id, root_, mode);
}

Status SplitBuffer::write(OpenTransaction& transaction, PageRef& root,
                          const std::vector<Extent>& extents) {
  const auto author = transaction.author();
  if (!author.ok()) return author.error();
  const Bytes old = PageView(root.bytes()).external_header();
  std::vector<std::byte> header(old.begin(), old.end());
  header.resize(std::max(header.size(), kSplitBufferBytes));
  std::fill_n(header.begin(), kSplitBufferBytes, std::byte{0});
  for (std::size_t i = 0; i < extents.size(); ++i) {
    store_le(header.data() + i * kPairBytes, page_number(extents[i].first) + extents[i].pages - 1);
    store_le(header.data() + i * kPairBytes + 4, extents[i].pages);
  }
  LoggedChange change(database_, author.value(), {&root});
  ExternalHeaderRecord record;
  record.node = {change.header(root, 0, PageRecordHeader::kUnique | PageRecordHeader::kSpace),
                 Rceid::none, root_, objid_};
  change.add(encode_record(record, {Bytes(header)}));
  return change.carry_out();
}

Result<Pgno> SplitBuffer::take(OpenTransaction& transaction) {
  if (!loose_.empty()) {
    const Pgno pgno = loose_.back();
    loose_.pop_back();
    return pgno;
  }
  auto root = fix_root(LatchMode::exclusive);
  if (!root.ok()) return root.error();
  std::vector<Extent> extents = buffered(root.value());
  if (extents.empty()) {
    return ese_error(EseErr::database_corrupted,
                     page_text(database_.store, root_) +
                         " has no page left in its split buffer, which should have been filled");
  }
  const Pgno pgno = extents.back().first;
  extents.back() = {Pgno{page_number(pgno) + 1}, extents.back().pages - 1};
  if (extents.back().pages == 0) extents.pop_back();
  if (Status s = write(transaction, root.value(), extents); !s.ok()) return s.error();
  return pgno;
}

Status SplitBuffer::give_back(OpenTransaction& transaction, Pgno pgno) {
  return put(transaction, {pgno, 1});
}

Status SplitBuffer::put(OpenTransaction& transaction, const Extent& extent) {
  auto root = fix_root(LatchMode::exclusive);
  if (!root.ok()) return root.error();
  std::vector<Extent> extents = buffered(root.value());
  if (add_to(extents, extent)) return write(transaction, root.value(), extents);
  for (std::uint32_t i = 0; i < extent.pages; ++i) {
    loose_.push_back(Pgno{page_number(extent.first) + i});
  }
  return Ok{};
}

Result<std::uint32_t> SplitBuffer::lacking() const {
  auto root = fix_root(LatchMode::shared);
  if (!root.ok()) return root.error();
  const PageView page(root.value().bytes());
  if (page.leaf() && page.free_bytes() > page.bytes().size() / 4) return std::uint32_t{0};
  auto have = static_cast<std::uint32_t>(loose_.size());
  for (const Extent& extent : buffered(root.value())) have += extent.pages;
  const std::uint32_t wanted = page.leaf() ? kPagesOfFullRoot : kPagesOfDeepTree;
  return wanted > have ? wanted - have : 0;
}

}  // namespace stillframe::ese

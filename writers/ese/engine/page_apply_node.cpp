// Records that change one node, or the header of one page. Each looks first and changes then: after
// a refusal the page is as it was.
#include <algorithm>
#include <array>
#include <cstring>

#include "writers/ese/engine/page_change.hpp"
#include "writers/ese/format/record_diff.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kKeyBytesMax = 0x1FFF;  // what the length in a node can say

// A record of a node with its page.
struct NodeOnPage {
  NodeRecordHeader header;
  PageEditor page;

  Pgno pgno() const { return header.page.page; }
  std::size_t line() const { return header.page.line; }
  NodeView node() const { return page.view().node(line()); }
  bool versioned() const { return (header.page.flags & PageRecordHeader::kVersioned) != 0; }

  // A change made under a transaction leaves the mark that the node has versions.
  std::uint8_t marked(std::uint8_t flags) const {
    return static_cast<std::uint8_t>(versioned() ? flags | kNodeVersion : flags);
  }
};

NodeOnPage page_of(const RecordChange& change) {
  const auto header = decode<NodeRecordHeader>(change.record().bytes);
  return {header, PageEditor(change.page(header.page.page).bytes)};
}

Error no_such_line(const RecordChange& change, const NodeOnPage& on) {
  return change.misfit(on.pgno(), "line " + std::to_string(on.line()) + " is not among its " +
                                      std::to_string(on.page.view().lines()));
}

// The page, with the line that the record names.
Result<NodeOnPage> line_of(const RecordChange& change) {
  NodeOnPage on = page_of(change);
  if (on.line() >= on.page.view().lines()) return no_such_line(change, on);
  return on;
}

bool same_key(const KeyView& key, Bytes bytes) {
  return compare_keys(key, KeyView{{}, bytes}) == 0;
}

bool below(const PageView& page, const KeyView& key, Bytes data, const NodeView& next) {
  const auto order = compare_keys(key, next.key);
  if (order != 0) return order < 0;
  return page.has(kPageNonUnique) && compare_bytes(data, next.data) < 0;
}

bool above(const PageView& page, const KeyView& key, Bytes data, const NodeView& previous) {
  const auto order = compare_keys(previous.key, key);
  if (order != 0) return order < 0;
  return page.has(kPageNonUnique) && compare_bytes(previous.data, data) < 0;
}

// What a change that shrinks a node frees is kept for its undo, which must never split the page:
// until the engine knows that nobody undoes it. A flagged delete keeps its bytes where they are.
void keep_for_undo(NodeOnPage& on, std::size_t old_bytes) {
  const std::size_t now = on.node().data.size();
  const std::size_t freed = on.versioned() && now < old_bytes ? old_bytes - now : 0;
  const PageView page = on.page.view();
  on.page.set_uncommitted_free_bytes(
      std::min(page.uncommitted_free_bytes() + freed, page.free_bytes()));
}

void keep_no_more_than_free(PageEditor& page) {
  const PageView view = page.view();
  page.set_uncommitted_free_bytes(std::min(view.uncommitted_free_bytes(), view.free_bytes()));
}

// A node that grows back has used what was kept for it. One that shrinks back to what an inner
// level had grown frees bytes that the undo of an outer one may need.
void keep_after_undo(PageEditor& page, std::size_t bytes_before, std::size_t bytes_now) {
  const std::size_t kept = page.view().uncommitted_free_bytes() + bytes_before;
  page.set_uncommitted_free_bytes(
      std::min(kept - std::min(kept, bytes_now), page.view().free_bytes()));
}

Status put_data(const RecordChange& change, NodeOnPage& on, Bytes data, std::uint8_t flags) {
  const std::size_t old_bytes = on.node().data.size();
  if (!on.page.replace_data(on.line(), data)) {
    return change.misfit(on.pgno(), "no room for " + bytes_text(data.size()) + " of data at line " +
                                        std::to_string(on.line()));
  }
  on.page.set_node_flags(on.line(), flags);
  keep_for_undo(on, old_bytes);
  return Ok{};
}

template <class Integer>
Status add(const RecordChange& change, std::size_t offset, Integer delta) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const MutableBytes data = on.page.data(on.line());
  if (offset + sizeof(Integer) > data.size()) {
    return change.misfit(on.pgno(), "a counter at " + std::to_string(offset) +
                                        " is not within the " + bytes_text(data.size()) +
                                        " at line " + std::to_string(on.line()));
  }
  using Unsigned = std::make_unsigned_t<Integer>;  // counters wrap
  std::byte* at = data.data() + offset;
  store_le(at, static_cast<Unsigned>(load_le<Unsigned>(at) + static_cast<Unsigned>(delta)));
  on.page.set_node_flags(on.line(), on.marked(on.node().flags));
  return Ok{};
}

Status check_place(const RecordChange& change, const NodeOnPage& on, const KeyView& key,
                   Bytes data) {
  const PageView page = on.page.view();
  const std::size_t line = on.line();
  const bool in_order =
      (line == 0 || above(page, key, data, page.node(line - 1))) &&
      (line == page.lines() || !page.leaf() || below(page, key, data, page.node(line)));
  if (in_order) return Ok{};
  return change.misfit(on.pgno(), "the new node is not in order at line " + std::to_string(line));
}

// The longest beginning of the page's prefix that a node of it has as its own.
std::size_t prefix_in_use(const PageView& page) {
  std::size_t most = 0;
  for (std::size_t line = 0; line < page.lines(); ++line) {
    most = std::max(most, page.node(line).key.prefix.size());
  }
  return most;
}

Bytes prefix_in_header(const PageView& page, Bytes header) {
  if (!page.root()) return header;
  if (!page.has(kPageSpace) || header.size() < kSplitBufferBytes) return {};
  return header.subspan(kSplitBufferBytes);
}

}  // namespace

Status apply_insert(const RecordChange& change) {
  const auto record = change.decoded<InsertRecord>();
  const auto& [prefix, suffix, data] = record.parts;
  NodeOnPage on = page_of(change);
  const PageView page = on.page.view();
  if (on.line() > page.lines()) return no_such_line(change, on);
  if (suffix.size() > kKeyBytesMax) {
    return change.contradiction(on.pgno(), "its key is longer than a key can be");
  }
  const bool has_prefix = prefix.size() <= page.prefix().size() &&
                          std::equal(prefix.begin(), prefix.end(), page.prefix().begin());
  if (!has_prefix) {
    return change.misfit(on.pgno(), "its prefix is not the one that the node's key begins with");
  }
  if (Status placed = check_place(change, on, {prefix, suffix}, data); !placed.ok()) return placed;
  NodeParts parts;
  parts.prefix_bytes = prefix.size();
  parts.suffix = suffix;
  parts.data = data;
  parts.flags = on.marked(0);
  if (!on.page.insert(on.line(), parts)) {
    return change.misfit(on.pgno(), "no room for a node of " + bytes_text(parts.body_bytes()));
  }
  keep_no_more_than_free(on.page);
  return Ok{};
}

Status apply_flag_insert(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const auto record = change.decoded<FlagInsertRecord>();
  const NodeView node = on.node();
  if (!node.deleted() || !same_key(node.key, record.parts[0])) {
    return change.misfit(on.pgno(), "line " + std::to_string(on.line()) +
                                        " is not the deleted node that comes back");
  }
  on.page.set_node_flags(on.line(),
                         on.marked(static_cast<std::uint8_t>(node.flags & ~kNodeDeleted)));
  return Ok{};
}

Status apply_flag_insert_and_replace(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const auto record = change.decoded<FlagInsertAndReplaceRecord>();
  const NodeView node = on.node();
  if (!node.deleted() || !same_key(node.key, record.parts[0])) {
    return change.misfit(on.pgno(), "line " + std::to_string(on.line()) +
                                        " is not the deleted node that comes back");
  }
  const auto flags = static_cast<std::uint8_t>(node.flags & ~kNodeDeleted);
  return put_data(change, on, record.parts[1], on.marked(flags));
}

Status apply_flag_delete(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const auto flags = static_cast<std::uint8_t>(on.node().flags | kNodeDeleted);
  on.page.set_node_flags(on.line(), on.marked(flags));
  return Ok{};
}

Status apply_remove(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  on.page.erase(on.line());
  return Ok{};
}

Result<std::vector<std::byte>> replaced_data(const RecordChange& change, Pgno pgno, Bytes old_data,
                                             OldSize old_size) {
  const auto wrong_size = [&](std::size_t expected) {
    return change.misfit(pgno, "the node's data has " + bytes_text(old_data.size()) +
                                   " where the record replaces " + bytes_text(expected));
  };
  if (change.type() == RecordType::replace) {
    const auto record = change.decoded<ReplaceRecord>();
    if (old_size == OldSize::said && record.fixed.old_bytes != old_data.size()) {
      return wrong_size(record.fixed.old_bytes);
    }
    const Bytes data = record.parts[0];
    if (data.size() != record.fixed.new_bytes) {
      return change.contradiction(pgno, "its data is not as long as it says");
    }
    return std::vector<std::byte>(data.begin(), data.end());
  }
  const auto record = change.decoded<ReplaceDiffRecord>();
  if (record.fixed.old_bytes != old_data.size()) return wrong_size(record.fixed.old_bytes);
  const bool wide = (record.fixed.diff_bytes & ReplaceDiffRecord::kWide) != 0;
  auto data = apply_diff(record.parts[0], wide ? DiffForm::wide : DiffForm::narrow, old_data,
                         record.fixed.new_bytes);
  if (!data || data->size() != record.fixed.new_bytes) {
    return change.misfit(pgno, "the difference in the record does not fit the node's data");
  }
  return *std::move(data);
}

namespace {

Status replace(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const NodeView node = on.node();
  const auto data = replaced_data(change, on.pgno(), node.data, OldSize::said);
  if (!data.ok()) return data.error();
  return put_data(change, on, data.value(), on.marked(node.flags));
}

}  // namespace

Status apply_replace(const RecordChange& change) {
  return replace(change);
}

Status apply_replace_diff(const RecordChange& change) {
  return replace(change);
}

Status apply_delta(const RecordChange& change) {
  const auto record = change.decoded<DeltaRecord>();
  return add(change, record.fixed.offset, record.fixed.delta);
}

Status apply_delta64(const RecordChange& change) {
  const auto record = change.decoded<DeltaRecord64>();
  return add(change, record.fixed.offset, record.fixed.delta);
}

Status apply_external_header(const RecordChange& change) {
  NodeOnPage on = page_of(change);
  const Bytes header = change.decoded<ExternalHeaderRecord>().parts[0];
  const PageView page = on.page.view();
  const std::size_t in_use = prefix_in_use(page);
  const Bytes before = page.prefix(), after = prefix_in_header(page, header);
  if (after.size() < in_use || compare_bytes(after.first(in_use), before.first(in_use)) != 0) {
    return change.misfit(on.pgno(), "its nodes' keys begin with a prefix that the header drops");
  }
  if (!on.page.set_external_header(header)) {
    return change.misfit(on.pgno(), "no room for a header of " + bytes_text(header.size()));
  }
  keep_no_more_than_free(on.page);
  return Ok{};
}

namespace {

std::uint8_t after_undo(const RecordChange& change, unsigned flags) {
  return static_cast<std::uint8_t>(
      change.context().more_versions ? flags : flags & ~unsigned{kNodeVersion});
}

Status undo_replace(const RecordChange& change, NodeOnPage& on, const Change& undone) {
  const std::size_t now = on.node().data.size();
  const std::uint8_t flags = after_undo(change, on.node().flags);
  if (!on.page.replace_data(on.line(), undone.old_data)) {
    return change.misfit(on.pgno(), "no room for the " + bytes_text(undone.old_data.size()) +
                                        " that line " + std::to_string(on.line()) + " had before");
  }
  on.page.set_node_flags(on.line(), flags);
  keep_after_undo(on.page, now, undone.old_data.size());
  return Ok{};
}

Status undo_delta(const RecordChange& change, NodeOnPage& on, const Change& undone) {
  const MutableBytes data = on.page.data(on.line());
  if (std::size_t{undone.offset} + undone.width > data.size()) {
    return change.misfit(
        on.pgno(), "the counter to be taken back is not within line " + std::to_string(on.line()));
  }
  std::byte* at = data.data() + undone.offset;
  const auto delta = static_cast<std::uint64_t>(undone.delta);
  if (undone.width == sizeof(std::uint64_t)) {
    store_le(at, load_le<std::uint64_t>(at) - delta);
  } else {
    store_le(at, load_le<std::uint32_t>(at) - static_cast<std::uint32_t>(delta));
  }
  return Ok{};
}

}  // namespace

// A node that was inserted stays, as deleted: its place may be needed by readers until it is
// cleaned up.
Status apply_undo(const RecordChange& change) {
  auto found = line_of(change);
  if (!found.ok()) return found.error();
  NodeOnPage on = found.value();
  const Change* undone = change.context().undone;
  if (undone == nullptr) {
    return change.contradiction(on.pgno(), "what it takes back is not known");
  }
  const unsigned flags = on.node().flags;
  switch (undone->oper) {
    case VersionOper::insert:
      on.page.set_node_flags(on.line(), after_undo(change, flags | kNodeDeleted));
      return Ok{};
    case VersionOper::flag_delete:
      on.page.set_node_flags(on.line(), after_undo(change, flags & ~unsigned{kNodeDeleted}));
      return Ok{};
    case VersionOper::replace:
      return undo_replace(change, on, *undone);
    case VersionOper::delta:
      return undo_delta(change, on, *undone);
  }
  return change.contradiction(on.pgno(), "what it takes back is of a kind that nobody logs");
}

// The content of deleted nodes is not defined, so it may as well stay.
Status apply_scrub(const RecordChange& change) {
  const auto record = change.decoded<ScrubRecord>();
  if ((record.fixed.scrub_flags & ScrubRecord::kUnusedPage) == 0) return Ok{};
  NodeOnPage on = page_of(change);
  on.page.erase_from(0);
  on.page.set_flags(on.page.view().flags() | kPageScrubbed);
  return Ok{};
}

}  // namespace stillframe::ese

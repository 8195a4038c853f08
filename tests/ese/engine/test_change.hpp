// Pages and records for the tests of page_apply.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_parts.hpp"

namespace stillframe::ese::tests {

using Blob = std::vector<std::byte>;

inline Blob blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}
inline std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::string key_of(const NodeView& node) {
  return text_of(node.key.prefix) + text_of(node.key.suffix);
}
inline Blob pointer_to(Pgno pgno) {
  Blob data(sizeof pgno);
  store_le(data.data(), pgno);
  return data;
}

inline constexpr Dbtime kBefore{100}, kAfter{200};
inline constexpr Objid kTree{9};
inline constexpr std::uint32_t kCommon = kPageNewRecord | kPageNewChecksum;
inline constexpr std::uint32_t kLeaf = kCommon | kPageLeaf;
inline constexpr std::uint32_t kParent = kCommon | kPageParentOfLeaf;

struct TestNode {
  std::string key, data;
  std::uint8_t flags = 0;
};

// A few pages by number, and the records of one change on them.
class TestChange {
 public:
  explicit TestChange(std::size_t page_bytes = 4096) : page_bytes_(page_bytes) {}

  PageEditor add(Pgno pgno, std::uint32_t flags, const std::vector<TestNode>& nodes = {},
                 std::string_view header = {}) {
    Blob& page = pages_[pgno];
    page.assign(page_bytes_, std::byte{0});
    PageEditor editor(page);
    editor.format(pgno, kTree, flags, kBefore);
    EXPECT_TRUE(editor.set_external_header(blob(header)));
    for (const TestNode& node : nodes) {
      const Blob key = blob(node.key), data = blob(node.data);
      const LooseNode loose{key, data, node.flags};
      EXPECT_TRUE(editor.insert(editor.view().lines(), parts_of(loose, editor.view().prefix())));
    }
    return editor;
  }
  PageEditor add_parent(Pgno pgno, std::uint32_t flags,
                        const std::vector<std::pair<std::string, Pgno>>& pointers) {
    PageEditor editor = add(pgno, flags);
    for (const auto& [key, child] : pointers) {
      const LooseNode node{blob(key), pointer_to(child), 0};
      EXPECT_TRUE(editor.insert(editor.view().lines(), parts_of(node, {})));
    }
    return editor;
  }
  void add_zero(Pgno pgno) { pages_[pgno].assign(page_bytes_, std::byte{0}); }

  template <class R>
  void log(R fixed, const std::array<Bytes, part_count<R>()>& parts = {}) {
    records_.push_back(encode_record(fixed, parts));
  }
  void forget_records() { records_.clear(); }

  // The page has the change already, as redo may find it.
  void mark_there(Pgno pgno) { there_.push_back(pgno); }

  Status apply(const ApplyContext& context = {.database = "test.edb"}) {
    std::vector<HeldPage> held;
    for (auto& [pgno, page] : pages_) {
      const bool there = std::find(there_.begin(), there_.end(), pgno) != there_.end();
      held.push_back({pgno, page, !there});
    }
    return apply_change(logged(), held, context);
  }
  Result<std::vector<TouchedPage>> touched() const { return touched_pages(logged()); }

  // Applies, and expects every page to keep the rules of pages.
  void apply_well(const ApplyContext& context = {.database = "test.edb"}) {
    const Status done = apply(context);
    ASSERT_TRUE(done.ok()) << done.error().what();
    check_pages();
  }
  // Expects a refusal with this error, and that no byte changed.
  void expect_refused(EseErr err, std::string_view because,
                      const ApplyContext& context = {.database = "test.edb"}) {
    const std::map<Pgno, Blob> before = pages_;
    const Status done = apply(context);
    ASSERT_FALSE(done.ok());
    EXPECT_TRUE(is(done.error(), err)) << done.error().what();
    EXPECT_NE(done.error().what().find(because), std::string::npos) << done.error().what();
    EXPECT_NE(done.error().what().find("test.edb"), std::string::npos) << done.error().what();
    EXPECT_NE(done.error().what().find("at 7,8,9"), std::string::npos) << done.error().what();
    EXPECT_EQ(pages_, before) << "a refusal changed a page";
  }
  void check_pages() const {
    for (const auto& [pgno, page] : pages_) {
      if (PageView(page).tags() == 0) continue;
      for (const PageFinding& finding : check_page(page, pgno)) {
        ADD_FAILURE() << "page " << static_cast<std::uint32_t>(pgno) << " " << name_of(finding.rule)
                      << ": " << finding.what;
      }
    }
  }

  // --- For damage: flips a few bytes of a record or a page. Records stay whole, as readers see to.
  template <class Random>
  void damage(Random& random) {
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      if (random() % 3 != 0) {
        Blob& record = records_[random() % records_.size()];
        const Blob before = record;
        record[1 + random() % std::min<std::size_t>(record.size() - 1, 200)] ^=
            static_cast<std::byte>(1 + random() % 255);
        const RecordSpan span = measure_record(record);
        if (span.read != RecordRead::whole || span.bytes != record.size()) record = before;
      } else {
        auto page =
            std::next(pages_.begin(), static_cast<std::ptrdiff_t>(random() % pages_.size()));
        page->second[8 + random() % 120] ^= static_cast<std::byte>(1 << random() % 8);
      }
    }
  }
  bool pages_can_be_edited() const {
    return std::all_of(pages_.begin(), pages_.end(), [](const auto& page) {
      const PageView view(page.second);
      if (view.tags() == 0 || view.has(kPageEmpty) || view.has(kPagePreInit)) {
        return check_page_structure(page.second, "test.edb", page.first).ok();
      }
      return check_page_for_editing(page.second, "test.edb", page.first).ok();
    });
  }
  const std::map<Pgno, Blob>& all_pages() const { return pages_; }
  bool has_all(const std::vector<TouchedPage>& touched) const {
    return std::all_of(touched.begin(), touched.end(),
                       [&](const TouchedPage& page) { return pages_.contains(page.pgno); });
  }

  PageView page(Pgno pgno) const { return PageView(pages_.at(pgno)); }
  PageEditor edit(Pgno pgno) { return PageEditor(pages_.at(pgno)); }
  Blob& bytes(Pgno pgno) { return pages_.at(pgno); }
  // "key=data" of each node; '-' before one that is deleted, '*' behind one with versions.
  std::vector<std::string> nodes(Pgno pgno) const {
    std::vector<std::string> all;
    const PageView view = page(pgno);
    for (std::size_t line = 0; line < view.lines(); ++line) {
      const NodeView node = view.node(line);
      const std::string data = view.leaf()
                                   ? text_of(node.data)
                                   : std::to_string(static_cast<std::uint32_t>(view.child(line)));
      all.push_back((node.deleted() ? "-" : "") + key_of(node) + "=" + data +
                    ((node.flags & kNodeVersion) != 0 ? "*" : ""));
    }
    return all;
  }

 private:
  std::vector<LoggedRecord> logged() const {
    std::vector<LoggedRecord> all;
    for (const Blob& record : records_) all.push_back({record, Lgpos{9, 8, Generation{7}}});
    return all;
  }

  const std::size_t page_bytes_;
  std::map<Pgno, Blob> pages_;
  std::vector<Blob> records_;
  std::vector<Pgno> there_;
};

inline PageRecordHeader page_header(Pgno pgno, std::size_t line = 0, std::uint8_t flags = 0) {
  PageRecordHeader header;
  header.page = pgno;
  header.dbtime = kAfter;
  header.before = kBefore;
  header.line = static_cast<std::uint16_t>(line);
  header.flags = flags;
  return header;
}

inline NodeRecordHeader node_header(Pgno pgno, std::size_t line = 0, std::uint8_t flags = 0) {
  NodeRecordHeader header;
  header.page = page_header(pgno, line, flags);
  header.objid = kTree;
  return header;
}

}  // namespace stillframe::ese::tests

#include "writers/ese/engine/page_split.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/page_check.hpp"

namespace stillframe::ese {
namespace {

using Blob = std::vector<std::byte>;

constexpr Pgno kSource{10}, kNew{11};
constexpr Objid kTree{9};
constexpr std::uint32_t kCommon = kPageNewRecord | kPageNewChecksum;

Blob split_blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

bool below(const LooseNode& a, const LooseNode& b, bool with_data) {
  const auto order = compare_bytes(a.key, b.key);
  if (order != 0) return order < 0;
  return with_data && compare_bytes(a.data, b.data) < 0;
}

// A full page, and an insertion that does not fit on it any more.
class FullPage {
 public:
  FullPage(std::size_t page_bytes, std::uint32_t flags, std::uint64_t seed)
      : random_(seed), flags_(flags | kCommon), page_(page_bytes), new_page_(page_bytes) {
    PageEditor(page_).format(kSource, kTree, flags_, Dbtime{100});
    for (;;) {
      wanted.node = random_node();
      const bool with_data = (flags_ & kPageNonUnique) != 0;
      const auto at = std::lower_bound(
          nodes.begin(), nodes.end(), wanted.node,
          [&](const LooseNode& a, const LooseNode& b) { return below(a, b, with_data); });
      line = static_cast<std::size_t>(at - nodes.begin());
      if (at != nodes.end() && !below(wanted.node, *at, with_data))
        continue;  // it is there already
      NodeParts parts;
      parts.suffix = wanted.node.key;
      parts.data = wanted.node.data;
      if (!PageEditor(page_).insert(line, parts)) return;
      nodes.insert(at, wanted.node);
    }
  }

  // Splits it as the engine would, and again from a copy as redo would; both must agree.
  void split(bool last_of_tree) {
    auto planned = plan_split(PageView(page_), SplitOperation::insert, line, wanted, last_of_tree);
    ASSERT_TRUE(planned.ok()) << planned.error().what();
    plan = planned.value();
    std::vector<LooseNode> all = take_nodes(PageView(page_));
    ASSERT_EQ(all, nodes);
    carry_out(plan, wanted, all);
    PageEditor made(new_page_);
    made.format(kNew, kTree, flags_ & ~std::uint32_t{kPageRoot}, Dbtime{101});
    fill_new_page(plan, all, made);
    PageEditor source(page_);
    const std::uint32_t after = plan.type == SplitType::vertical
                                    ? (flags_ & ~std::uint32_t{kPageLeaf}) | kPageParentOfLeaf
                                    : flags_;
    shrink_source_page(plan, all, kNew, after, source);
    check_rules(page_, kSource);
    check_rules(new_page_, kNew);
  }

  std::vector<LooseNode> left() const { return take_nodes(PageView(page_)); }
  std::vector<LooseNode> right() const { return take_nodes(PageView(new_page_)); }
  PageView source() const { return PageView(page_); }
  PageView made() const { return PageView(new_page_); }
  std::mt19937_64& random() { return random_; }

  NewNode wanted;
  std::size_t line = 0;
  std::vector<LooseNode> nodes;
  SplitPlan plan;

 private:
  static void check_rules(Bytes page, Pgno pgno) {
    for (const PageFinding& finding : check_page(page, pgno)) {
      ADD_FAILURE() << name_of(finding.rule) << ": " << finding.what;
    }
  }

  LooseNode random_node() {
    LooseNode node;
    static constexpr std::string_view kStems[] = {"", "customer/", "customer/north/", "order"};
    node.key = split_blob(kStems[random_() % std::size(kStems)]);
    for (std::size_t i = 1 + random_() % 12; i > 0; --i) {
      node.key.push_back(static_cast<std::byte>('a' + random_() % 6));
    }
    // Normalised keys end so that none is the beginning of another; trees with equal keys rely on
    // it.
    if ((flags_ & kPageNonUnique) != 0) node.key.push_back(std::byte{0});
    const bool leaf = (flags_ & kPageLeaf) != 0;
    const std::size_t most = random_() % 8 == 0 ? page_.size() / 4 : page_.size() / 40;
    node.data.resize(leaf ? random_() % most : sizeof(Pgno));
    for (std::byte& byte : node.data) byte = static_cast<std::byte>(random_());
    return node;
  }

  std::mt19937_64 random_;
  const std::uint32_t flags_;
  Blob page_, new_page_;
};

class EsePageSplit : public testing::TestWithParam<std::size_t> {};

TEST_P(EsePageSplit, LeavesKeepEveryNodeInOrderOnBothSides) {
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::uint32_t unique = seed % 2 == 0 ? kPageLeaf : kPageLeaf | kPageNonUnique;
    FullPage page(GetParam(), unique, seed);
    page.split(false);
    std::vector<LooseNode> all = page.left(), right = page.right();
    const bool with_data = (unique & kPageNonUnique) != 0;
    ASSERT_FALSE(all.empty() || right.empty());
    // The separator is above the left page and not above the right one.
    const auto order = [&](const LooseNode& node) {
      Blob bytes = node.key;
      if (with_data) bytes.insert(bytes.end(), node.data.begin(), node.data.end());
      return bytes;
    };
    EXPECT_TRUE(compare_bytes(order(all.back()), page.plan.separator) < 0);
    EXPECT_TRUE(compare_bytes(page.plan.separator, order(right.front())) <= 0);
    all.insert(all.end(), right.begin(), right.end());
    page.nodes.insert(page.nodes.begin() + static_cast<std::ptrdiff_t>(page.line),
                      page.wanted.node);
    ASSERT_EQ(all, page.nodes);
  }
}

TEST_P(EsePageSplit, NeitherSideIsNearlyEmpty) {
  double lower = 1;
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(60); ++seed) {
    FullPage page(GetParam(), kPageLeaf, seed);
    page.split(false);
    const auto used = [&](const PageView& view) {
      return 1 - static_cast<double>(view.free_bytes()) / static_cast<double>(GetParam());
    };
    lower = std::min({lower, used(page.source()), used(page.made())});
  }
  EXPECT_GT(lower, 0.15);  // one node may take a quarter of a page
}

TEST_P(EsePageSplit, InternalPagesPointToBothChildren) {
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FullPage page(GetParam(), kPageParentOfLeaf, seed);
    if (page.line == page.nodes.size()) continue;  // there is always a pointer behind a new one
    page.wanted.new_child = Pgno{777};
    page.split(false);
    std::vector<LooseNode> all = page.left(), right = page.right();
    EXPECT_EQ(page.plan.separator, all.back().key);
    all.insert(all.end(), right.begin(), right.end());
    EXPECT_EQ(all[page.line], page.wanted.node);
    EXPECT_EQ(load_le<Pgno>(all[page.line + 1].data.data()), Pgno{777});
  }
}

TEST_P(EsePageSplit, RowsThatComeInOrderFillTheirPages) {
  FullPage page(GetParam(), kPageLeaf, 5);
  page.wanted.node.key = split_blob("zzz");
  page.line = page.nodes.size();
  const std::vector<LooseNode> before = page.left();
  page.split(true);
  EXPECT_EQ(page.plan.type, SplitType::append);
  EXPECT_EQ(page.left(), before);
  EXPECT_EQ(page.right(), (std::vector<LooseNode>{page.wanted.node}));
}

TEST_P(EsePageSplit, ARootMovesAllItsNodesDown) {
  FullPage page(GetParam(), kPageLeaf | kPageRoot, 6);
  page.split(true);
  EXPECT_EQ(page.plan.type, SplitType::vertical);
  EXPECT_EQ(page.right(), page.nodes);
  ASSERT_EQ(page.left().size(), 1u);
  EXPECT_TRUE(page.left()[0].key.empty());
  EXPECT_EQ(page.source().child(0), kNew);
}

TEST_P(EsePageSplit, ANodeThatFitsNowhereIsRefused) {
  FullPage page(GetParam(), kPageLeaf, 7);
  page.wanted.node.data.resize(GetParam());
  auto plan = plan_split(page.source(), SplitOperation::insert, page.line, page.wanted, false);
  ASSERT_FALSE(plan.ok());
  EXPECT_TRUE(is(plan.error(), EseErr::record_too_big));
}

INSTANTIATE_TEST_SUITE_P(PageSizes, EsePageSplit, testing::Values(2048, 4096, 8192, 16384, 32768),
                         testing::PrintToStringParamName());

TEST(EseSeparator, IsTheShortestThatTellsApart) {
  EXPECT_EQ(shortest_separator(split_blob("apple"), split_blob("banana")), split_blob("b"));
  EXPECT_EQ(shortest_separator(split_blob("app"), split_blob("apple")), split_blob("appl"));
  EXPECT_EQ(shortest_separator(split_blob("aa1"), split_blob("aa2zz")), split_blob("aa2"));
}

}  // namespace
}  // namespace stillframe::ese

#include "writers/ese/format/page.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/page_editor.hpp"

namespace stillframe::ese {
namespace {

constexpr std::uint32_t kLeaf = kPageLeaf | kPageNewRecord | kPageNewChecksum | kPageNonUnique;

using Blob = std::vector<std::byte>;

Blob page_blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// What a page should hold, kept the simplest way.
struct ModelNode {
  Blob key, data;
  std::uint8_t flags = 0;
};
struct ModelPage {
  Blob external;
  std::vector<ModelNode> nodes;
};

class RandomPage {
 public:
  RandomPage(std::size_t page_bytes, std::uint32_t seed) : random_(seed), page_(page_bytes) {
    PageEditor(page_).format(Pgno{7}, Objid{9}, kLeaf, Dbtime{100});
  }

  void step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return insert();
      case 3:
        return erase();
      case 4:
        return replace_data();
      case 5:
        return replace();
      case 6:
        return flags();
      default:
        return random_() % 16 == 0 ? external() : insert();
    }
  }

  void check() const {
    const PageView view(page_);
    ASSERT_TRUE(check_page_for_editing(page_, "model", Pgno{7}).ok());
    ASSERT_EQ(view.lines(), model_.nodes.size());
    ASSERT_EQ(to_blob(view.external_header()), model_.external);
    for (std::size_t line = 0; line < view.lines(); ++line) {
      const NodeView node = view.node(line);
      Blob key(node.key.size());
      node.key.copy_to(key.data());
      ASSERT_EQ(key, model_.nodes[line].key);
      ASSERT_EQ(to_blob(node.data), model_.nodes[line].data);
      ASSERT_EQ(node.flags & ~kNodeCompressed, model_.nodes[line].flags);
    }
  }

  const Blob& page() const { return page_; }

 private:
  static Blob to_blob(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

  Blob random_blob(std::size_t bytes_max) {
    Blob bytes(random_() % (bytes_max + 1));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }
  std::size_t data_max() { return random_() % 16 == 0 ? page_.size() : page_.size() / 32; }
  std::size_t line() { return random_() % model_.nodes.size(); }

  // A node for the page, its key the page's prefix (or not) and a few bytes.
  NodeParts make(ModelNode& node, Blob& suffix) {
    NodeParts parts;
    const Bytes prefix = PageView(page_).prefix();
    if (prefix.size() > kPrefixBytesUseless && random_() % 2 == 0) {
      parts.prefix_bytes =
          kPrefixBytesUseless + 1 + random_() % (prefix.size() - kPrefixBytesUseless);
    }
    suffix = random_blob(20);
    node.key.assign(prefix.begin(), prefix.begin() + static_cast<long>(parts.prefix_bytes));
    node.key.insert(node.key.end(), suffix.begin(), suffix.end());
    node.data = random_blob(data_max());
    node.flags = static_cast<std::uint8_t>(random_() % 4);
    parts.suffix = suffix;
    parts.data = node.data;
    parts.flags = node.flags;
    return parts;
  }

  void insert() {
    ModelNode node;
    Blob suffix;
    const NodeParts parts = make(node, suffix);
    const std::size_t at = random_() % (model_.nodes.size() + 1);
    const bool fits = PageView(page_).free_bytes() >= parts.body_bytes() + kTagBytes;
    ASSERT_EQ(PageEditor(page_).insert(at, parts), fits);
    if (fits) model_.nodes.insert(model_.nodes.begin() + static_cast<long>(at), node);
  }
  void erase() {
    if (model_.nodes.empty()) return;
    const std::size_t at = line();
    PageEditor(page_).erase(at);
    model_.nodes.erase(model_.nodes.begin() + static_cast<long>(at));
  }
  void replace_data() {
    if (model_.nodes.empty()) return;
    const std::size_t at = line();
    const Blob data = random_blob(data_max());
    const Blob before = page_;
    if (PageEditor(page_).replace_data(at, data)) {
      model_.nodes[at].data = data;
    } else {
      ASSERT_EQ(page_, before);
    }
  }
  void replace() {
    if (model_.nodes.empty()) return;
    ModelNode node;
    Blob suffix;
    const std::size_t at = line();
    const NodeParts parts = make(node, suffix);
    if (PageEditor(page_).replace(at, parts)) model_.nodes[at] = node;
  }
  void flags() {
    if (model_.nodes.empty()) return;
    const std::size_t at = line();
    model_.nodes[at].flags = static_cast<std::uint8_t>(random_() % 4);
    PageEditor(page_).set_node_flags(at, model_.nodes[at].flags);
  }
  void external() {
    // The prefix of nodes that exist must not change under them.
    if (!model_.nodes.empty()) return;
    Blob header = random_blob(60);
    if (PageEditor(page_).set_external_header(header)) model_.external = header;
  }

  std::mt19937 random_;
  Blob page_;
  ModelPage model_;
};

class EsePageSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(EsePageSizes, EditsGiveWhatASimpleModelSays) {
  const std::uint32_t seed = std::random_device{}();
  for (std::uint32_t run = 0; run < stillframe::tests::scaled(6); ++run) {
    SCOPED_TRACE("seed " + std::to_string(seed + run));
    RandomPage page(GetParam(), seed + run);
    for (int i = 0; i < 1500; ++i) {
      page.step();
      if (i % 10 == 0) page.check();
      if (testing::Test::HasFatalFailure()) return;
    }
    page.check();
  }
}

// What is judged on the way of every page that is read, against the rules by name.
TEST_P(EsePageSizes, OnePassOverTheBodiesJudgesAsTheRulesDo) {
  std::mt19937 random(5);
  std::size_t good = 0, broken = 0;
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(2000); ++round) {
    RandomPage made(GetParam(), static_cast<std::uint32_t>(random()));
    for (int i = 0; i < 30; ++i) made.step();
    Blob page = made.page();
    const auto nudge = [&](std::size_t at, std::size_t by) {
      store_le(page.data() + at,
               static_cast<std::uint16_t>(load_le<std::uint16_t>(&page[at]) + by));
    };
    const std::size_t tag = page.size() - kTagBytes * (1 + random() % PageView(page).tags());
    const std::size_t by = random() % 5 - 2;
    nudge(tag + 2 * (random() % 2), by);
    if (random() % 2 == 0) nudge(page_at::kFree, 0 - by);
    const auto findings = check_page(page, Pgno{7});
    const bool fits = std::none_of(findings.begin(), findings.end(), [](const PageFinding& each) {
      return each.rule == PageRule::structure || each.rule == PageRule::space_adds_up ||
             each.rule == PageRule::bodies_apart || each.rule == PageRule::data_end_behind;
    });
    ASSERT_EQ(check_page_for_editing(page, "page", Pgno{7}).ok(), fits) << round;
    ++(fits ? good : broken);
  }
  EXPECT_GT(good, 0u);
  EXPECT_GT(broken, 0u);
}

TEST_P(EsePageSizes, AnEmptiedPageHasAllItsRoomAgain) {
  Blob bytes(GetParam());
  PageEditor page(bytes);
  page.format(Pgno{3}, Objid{4}, kLeaf, Dbtime{64});
  const std::size_t room = page.view().free_bytes();
  const Blob data(100);
  while (page.insert(0, {.suffix = data, .data = data})) continue;
  EXPECT_LT(page.view().free_bytes(), 210u);
  while (page.view().lines() > 0) page.erase(page.view().lines() / 2);
  EXPECT_EQ(page.view().free_bytes(), room);
  EXPECT_EQ(page.view().data_end(), 0u);
}

TEST_P(EsePageSizes, KeysAreFoundWithAndWithoutPrefix) {
  Blob bytes(GetParam());
  PageEditor page(bytes);
  page.format(Pgno{3}, Objid{4}, kLeaf, Dbtime{64});
  const Blob prefix = page_blob("abcdef");
  ASSERT_TRUE(page.set_external_header(prefix));
  ASSERT_TRUE(page.insert(0, {.suffix = page_blob("abb"), .data = {}}));
  ASSERT_TRUE(page.insert(1, {.prefix_bytes = 4, .suffix = page_blob("cz"), .data = {}}));
  ASSERT_TRUE(page.insert(2, {.prefix_bytes = 6, .suffix = {}, .data = {}}));
  ASSERT_TRUE(page.insert(3, {.prefix_bytes = 6, .suffix = page_blob("1"), .data = {}}));
  const Blob exact = page_blob("abcdef"), between = page_blob("abcdef0"), high = page_blob("b");
  EXPECT_EQ(lower_bound_line(page.view(), {{}, exact}), 2u);
  EXPECT_EQ(lower_bound_line(page.view(), {{}, between}), 3u);
  EXPECT_EQ(lower_bound_line(page.view(), {{}, high}), 4u);
  EXPECT_TRUE(check_page(bytes, Pgno{3}).empty());
}

INSTANTIATE_TEST_SUITE_P(All, EsePageSizes, testing::Values(2048, 4096, 8192, 16384, 32768));

PageRule only_finding(Bytes page) {
  const auto findings = check_page(page, Pgno{3});
  EXPECT_EQ(findings.size(), 1u);
  return findings.empty() ? PageRule::structure : findings.front().rule;
}

class EsePageRules : public testing::Test {
 protected:
  EsePageRules() : bytes_(4096), page_(bytes_) {
    page_.format(Pgno{3}, Objid{4}, kPageLeaf | kPageNewRecord, Dbtime{64});
    EXPECT_TRUE(page_.insert(0, {.suffix = page_blob("a"), .data = page_blob("1")}));
    EXPECT_TRUE(page_.insert(1, {.suffix = page_blob("b"), .data = page_blob("2")}));
  }
  std::size_t tag_at(std::size_t index) const { return bytes_.size() - kTagBytes * (index + 1); }

  Blob bytes_;
  PageEditor page_;
};

TEST_F(EsePageRules, AGoodPageBreaksNone) {
  EXPECT_TRUE(check_page(bytes_, Pgno{3}).empty());
}

TEST_F(EsePageRules, LostBytesShow) {
  store_le(bytes_.data() + page_at::kFree, std::uint16_t{100});
  EXPECT_EQ(only_finding(bytes_), PageRule::space_adds_up);
}

TEST_F(EsePageRules, SharedBytesShow) {
  std::memcpy(bytes_.data() + tag_at(2) + 2, bytes_.data() + tag_at(1) + 2, 2);
  const auto findings = check_page(bytes_, Pgno{3});
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().rule, PageRule::bodies_apart);
}

TEST_F(EsePageRules, EqualKeysShowUnlessDataTellsThemApart) {
  ASSERT_TRUE(page_.replace(1, {.suffix = page_blob("a"), .data = page_blob("2")}));
  EXPECT_EQ(only_finding(bytes_), PageRule::keys_ascend);
  page_.set_flags(page_.view().flags() | kPageNonUnique);
  EXPECT_TRUE(check_page(bytes_, Pgno{3}).empty());
}

TEST_F(EsePageRules, TagsOutsideThePageShow) {
  store_le(bytes_.data() + tag_at(1), std::uint16_t{4090});
  EXPECT_EQ(only_finding(bytes_), PageRule::structure);
}

TEST_F(EsePageRules, InternalPagesHoldPointersOnly) {
  page_.set_flags(kPageNewRecord);
  EXPECT_EQ(only_finding(bytes_), PageRule::structure);
}

}  // namespace
}  // namespace stillframe::ese

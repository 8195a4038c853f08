// Records and pages with flipped bytes: a change is carried out on pages that stay pages, or it is
// refused and nothing has changed.
#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "tests/ese/engine/test_change.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/record_image.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese::tests {
namespace {

constexpr Pgno kParentPage{10}, kPage{11}, kNew{12}, kRight{13}, kLeft{14};

void tree_of_three(TestChange& change) {
  change.add_parent(kParentPage, kParent | kPageRoot, {{"e", kLeft}, {"m", kPage}, {"", kRight}});
  change.add(kLeft, kLeaf, {{"a", "1"}}).set_next(kPage);
  PageEditor page = change.add(
      kPage, kLeaf, {{"ff", "2"}, {"fgh", "3", kNodeDeleted}, {"fghi", "4"}, {"h", "5"}}, "fghi");
  page.set_previous(kLeft);
  page.set_next(kRight);
  change.add(kRight, kLeaf, {{"n", "5"}}).set_previous(kPage);
  change.add_zero(kNew);
}

void log_insert(TestChange& change) {
  tree_of_three(change);
  InsertRecord record;
  record.node = node_header(kPage, 3, PageRecordHeader::kVersioned);
  const Blob prefix = blob("fgh"), suffix = blob("x"), data = blob("data");
  change.log(record, {prefix, suffix, data});
}

void log_replace(TestChange& change) {
  tree_of_three(change);
  ReplaceRecord record;
  record.node = node_header(kPage, 2);
  record.old_bytes = 1;
  record.new_bytes = 6;
  const Blob data = blob("longer");
  change.log(record, {data});
}

void log_header(TestChange& change) {
  tree_of_three(change);
  ExternalHeaderRecord record;
  record.node = node_header(kPage);
  const Blob header = blob("fghij");
  change.log(record, {header});
}

void log_create(TestChange& change) {
  tree_of_three(change);
  CreateMultipleExtentFdpRecord record;
  record.page = page_header(kPage);
  record.owned_root = kNew;
  record.available_root = kRight;
  record.primary_pages = 9;
  record.page_flags = kCommon;
  change.log(record);
}

void log_convert(TestChange& change) {
  tree_of_three(change);
  const SpaceHeader space{8, Pgno{1}, 0, 0x66, {}};
  change.add(kPage, kLeaf | kPageRoot, {{"k", "v"}}, text_of(encode_space_header(space)));
  ConvertFdpRecord2 record;
  record.page = page_header(kPage);
  record.owned_root = kNew;
  record.available_root = kRight;
  record.secondary_first = Pgno{50};
  record.primary_pages = 40;
  record.secondary_pages = 10;
  record.available_bits = 0x12345678;
  change.log(record);
}

void log_split(TestChange& change) {
  tree_of_three(change);
  const Blob image = dehydrate_page(change.page(kPage).bytes()), separator = blob("fghi");
  SplitRecord2 above;
  above.split.page = page_header(kParentPage);
  change.log(above, {Bytes{}, Bytes{}, Bytes{}, Bytes{}});
  SplitRecord2 record;
  SplitFields& f = record.split;
  f.page = page_header(kPage);
  f.new_page = kNew;
  f.right = kRight;
  f.right_before = kBefore;
  f.split_type = 1;
  f.operation = 1;
  f.line_operation = 2;
  f.line_split = 2;
  f.lines = 5;
  f.new_flags = f.source_flags = kLeaf;
  f.line_prefix_source = 0;
  f.line_prefix_new = 1;
  record.image_flags = PageImageFlags::kDehydrated;
  change.log(record, {separator, Bytes{}, Bytes{}, image});
  InsertRecord leaf;
  leaf.node = node_header(kPage, 2);
  const Blob key = blob("fghh"), data = blob("new");
  change.log(leaf, {Bytes{}, key, data});
}

void log_merge(TestChange& change) {
  tree_of_three(change);
  const Blob image = dehydrate_page(change.page(kPage).bytes());
  MergeRecord2 above;
  above.merge.page = page_header(kParentPage, 1);
  above.merge.merge_flags = MergeFields::kDeleteNode;
  change.log(above, {Bytes{}, Bytes{}});
  MergeRecord2 leaf;
  leaf.merge.page = page_header(kPage);
  leaf.merge.left = kLeft;
  leaf.merge.right = kRight;
  leaf.merge.left_before = leaf.merge.right_before = kBefore;
  leaf.merge.merge_type = 2;
  leaf.image_flags = PageImageFlags::kDehydrated;
  change.log(leaf, {Bytes{}, image});
}

struct Case {
  const char* name;
  void (*log)(TestChange& change);
};

class EsePageApplyDamage : public testing::TestWithParam<Case> {};

TEST_P(EsePageApplyDamage, IsRefusedOrLeavesPages) {
  std::uint64_t refused = 0, done = 0;
  const std::uint64_t seeds = stillframe::tests::scaled(2000);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TestChange change;
    GetParam().log(change);
    change.damage(random);
    if (!change.pages_can_be_edited()) continue;
    const auto before = change.all_pages();
    const auto touched = change.touched();
    if (!touched.ok() || !change.has_all(touched.value())) continue;
    const Status outcome = change.apply();
    if (outcome.ok()) {
      ++done;
      EXPECT_TRUE(change.pages_can_be_edited());
    } else {
      ++refused;
      EXPECT_TRUE(change.all_pages() == before) << outcome.error().what();
    }
  }
  EXPECT_GT(refused + done, 0U);
}

INSTANTIATE_TEST_SUITE_P(Changes, EsePageApplyDamage,
                         testing::Values(Case{"insert", log_insert}, Case{"replace", log_replace},
                                         Case{"header", log_header}, Case{"create", log_create},
                                         Case{"convert", log_convert}, Case{"split", log_split},
                                         Case{"merge", log_merge}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace stillframe::ese::tests

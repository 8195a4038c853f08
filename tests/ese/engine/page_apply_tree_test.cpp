// Records that make, move and empty pages.
#include <gtest/gtest.h>

#include "tests/ese/engine/test_change.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese::tests {
namespace {

using Nodes = std::vector<std::string>;

std::uint32_t page_number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

// "last:pages" of each extent.
Nodes extents(const PageView& page) {
  Nodes all;
  for (std::size_t line = 0; line < page.lines(); ++line) {
    const NodeView node = page.node(line);
    all.push_back(std::to_string(load_be<std::uint32_t>(node.key.suffix.data())) + ":" +
                  std::to_string(load_le<std::uint32_t>(node.data.data())));
  }
  return all;
}

SpaceHeader space_header(const PageView& page) {
  auto header = decode_space_header(page.external_header());
  EXPECT_TRUE(header.ok());
  return header.ok() ? header.value() : SpaceHeader{};
}

// --- Records that make pages.

constexpr Pgno kRoot{20}, kOwned{21}, kAvailable{22};

TEST(EsePageApplyTree, NewPageIsTakenAndHasNoFormYet) {
  TestChange change;
  change.add_zero(kRoot);
  NewPageRecord record;
  record.page = kRoot;
  record.objid = kTree;
  record.dbtime = kAfter;
  change.log(record);
  change.apply_well();
  const PageView page = change.page(kRoot);
  EXPECT_TRUE(page.has(kPagePreInit));
  EXPECT_EQ(page.objid(), kTree);
  EXPECT_EQ(page.dbtime(), kAfter);
  EXPECT_EQ(page.lines(), 0U);
}

TEST(EsePageApplyTree, ASmallTreeKeepsItsFreePagesInItsHeader) {
  TestChange change;
  change.add(kRoot, kLeaf, {{"ghost", "of a tree that was here before"}});
  CreateSingleExtentFdpRecord record;
  record.page = page_header(kRoot);
  record.page.before = Dbtime::nil;
  record.objid = kTree;
  record.parent = Pgno{1};
  record.primary_pages = 4;
  record.page_flags = kCommon | kPageNonUnique;
  change.log(record);
  change.apply_well();
  const PageView page = change.page(kRoot);
  EXPECT_EQ(page.flags(), kCommon | kPageNonUnique | kPageRoot | kPageLeaf);
  EXPECT_EQ(page.lines(), 0U);
  const SpaceHeader expected{4, Pgno{1}, kSpaceNonUnique, 0x7, {}};
  EXPECT_EQ(space_header(page), expected);
}

TEST(EsePageApplyTree, PagesBehindThe32ndOfASmallTreeHaveNoBits) {
  TestChange change;
  change.add_zero(kRoot);
  CreateSingleExtentFdpRecord record;
  record.page = page_header(kRoot);
  record.primary_pages = 40;
  record.page_flags = kCommon;
  change.log(record);
  change.apply_well();
  EXPECT_EQ(space_header(change.page(kRoot)).owned_root_or_free_bits, 0xFFFFFFFFU);
}

CreateMultipleExtentFdpRecord create_multiple(std::uint32_t pages) {
  CreateMultipleExtentFdpRecord record;
  record.page = page_header(kRoot);
  record.objid = kTree;
  record.parent = Pgno{1};
  record.owned_root = kOwned;
  record.available_root = kAvailable;
  record.primary_pages = pages;
  record.page_flags = kCommon | kPageNonUnique;
  return record;
}

TEST(EsePageApplyTree, ALargeTreeListsItsExtentsInTwoTrees) {
  TestChange change;
  for (const Pgno pgno : {kRoot, kOwned, kAvailable}) change.add_zero(pgno);
  change.log(create_multiple(16));
  change.apply_well();
  const SpaceHeader expected{
      16, Pgno{1}, kSpaceMultiple | kSpaceNonUnique, page_number(kOwned), {}};
  EXPECT_EQ(space_header(change.page(kRoot)), expected);
  EXPECT_EQ(extents(change.page(kOwned)), Nodes{"35:16"});
  EXPECT_EQ(extents(change.page(kAvailable)), Nodes{"35:13"});
  for (const Pgno pgno : {kOwned, kAvailable}) {
    EXPECT_EQ(change.page(pgno).flags(), kCommon | kPageRoot | kPageLeaf | kPageSpace);
    EXPECT_EQ(text_of(change.page(pgno).external_header()), std::string(16, '\0'));
    EXPECT_EQ(change.page(pgno).dbtime(), kAfter);
  }
}

TEST(EsePageApplyTree, ALargeTreeOfThreePagesHasNoneLeft) {
  TestChange change;
  for (const Pgno pgno : {kRoot, kOwned, kAvailable}) change.add_zero(pgno);
  change.log(create_multiple(3));
  change.apply_well();
  EXPECT_TRUE(extents(change.page(kAvailable)).empty());
}

TEST(EsePageApplyTree, ATreeWithoutRoomForItsSpaceIsRefused) {
  TestChange change;
  for (const Pgno pgno : {kRoot, kOwned, kAvailable}) change.add_zero(pgno);
  change.log(create_multiple(2));
  change.expect_refused(EseErr::log_corrupted, "no room for a tree with space trees");
}

TEST(EsePageApplyTree, OnlyThePagesThatNeedItAreMade) {
  TestChange change;
  change.add_zero(kRoot);
  change.add_zero(kAvailable);
  change.add(kOwned, kLeaf, {{"newer", "content"}});
  change.mark_there(kOwned);
  change.log(create_multiple(16));
  change.apply_well();
  EXPECT_EQ(change.nodes(kOwned), Nodes{"newer=content"});
  EXPECT_EQ(change.page(kOwned).dbtime(), kBefore);
  EXPECT_EQ(change.page(kRoot).dbtime(), kAfter);
}

ConvertFdpRecord2 convert() {
  ConvertFdpRecord2 record;
  record.page = page_header(kRoot);
  record.objid = kTree;
  record.owned_root = Pgno{50};
  record.available_root = Pgno{51};
  record.parent = Pgno{1};
  record.secondary_first = Pgno{50};
  record.primary_pages = 8;
  record.secondary_pages = 10;
  record.available_bits = 0b1100110;  // pages 22, 23, 26 and 27
  record.page_flags = kCommon;
  return record;
}

TEST(EsePageApplyTree, ASecondExtentTurnsBitsIntoTrees) {
  TestChange change;
  const SpaceHeader before{8, Pgno{1}, kSpaceNonUnique, 0x66, {}};
  change.add(kRoot, kLeaf | kPageRoot, {{"k", "v"}}, text_of(encode_space_header(before)));
  change.add_zero(Pgno{50});
  change.add_zero(Pgno{51});
  change.log(convert());
  change.apply_well();
  const SpaceHeader header = space_header(change.page(kRoot));
  EXPECT_EQ(header.flags, kSpaceMultiple | kSpaceNonUnique);
  EXPECT_EQ(header.owned_root(), Pgno{50});
  EXPECT_EQ(change.nodes(kRoot), Nodes{"k=v"});
  EXPECT_EQ(extents(change.page(Pgno{50})), (Nodes{"27:8", "59:10"}));
  EXPECT_EQ(extents(change.page(Pgno{51})), (Nodes{"23:2", "27:2", "59:8"}));
}

TEST(EsePageApplyTree, ATreeWithSpaceTreesIsNotConverted) {
  TestChange change;
  const SpaceHeader before{8, Pgno{1}, kSpaceMultiple, 21, {}};
  change.add(kRoot, kLeaf | kPageRoot, {}, text_of(encode_space_header(before)));
  change.add_zero(Pgno{50});
  change.add_zero(Pgno{51});
  change.log(convert());
  change.expect_refused(EseErr::database_corrupted, "it has space trees already");
}

TEST(EsePageApplyTree, EmptyingATreeEmptiesItsPagesAndMakesItsRootALeaf) {
  TestChange change;
  change.add_parent(kRoot, kParent | kPageRoot, {{"m", Pgno{30}}, {"", Pgno{31}}});
  change.add(Pgno{30}, kLeaf, {{"a", "1"}}, "prefix");
  change.add(Pgno{31}, kLeaf, {{"n", "2"}});
  EmptyTreeRecord record;
  record.node = node_header(kRoot);
  Blob entries(2 * EmptyTreeEntry::kBytes);
  encode(EmptyTreeEntry{kBefore, Pgno{30}, kLeaf}, MutableBytes(entries));
  encode(EmptyTreeEntry{kBefore, Pgno{31}, kLeaf}, MutableBytes(entries).subspan(16));
  change.log(record, {entries});
  change.apply_well();
  EXPECT_EQ(change.page(kRoot).flags(), kLeaf | kPageRoot);
  EXPECT_EQ(change.page(kRoot).lines(), 0U);
  for (const Pgno pgno : {Pgno{30}, Pgno{31}}) {
    EXPECT_TRUE(change.page(pgno).has(kPageEmpty));
    EXPECT_EQ(change.page(pgno).lines(), 0U);
    EXPECT_TRUE(change.page(pgno).external_header().empty());
    EXPECT_EQ(change.page(pgno).dbtime(), kAfter);
  }
}

// --- Page moves.

struct Moved {
  Blob header, trailer;
  PageMoveRecord record;
};

Moved move_of(const TestChange& change, Pgno from, Pgno to) {
  const Bytes page = change.page(from).bytes();
  const std::size_t front = change.page(from).header_bytes() + change.page(from).data_end();
  const std::size_t back = change.page(from).tags() * kTagBytes;
  Moved moved;
  moved.header.assign(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(front));
  moved.trailer.assign(page.end() - static_cast<std::ptrdiff_t>(back), page.end());
  moved.record.page = page_header(from);
  moved.record.destination = to;
  moved.record.left_before = moved.record.right_before = moved.record.parent_before = kBefore;
  moved.record.objid = kTree;
  return moved;
}

class EsePageMove : public testing::TestWithParam<std::size_t> {
 protected:
  EsePageMove() : change(GetParam()) {
    change.add_parent(Pgno{10}, kParent, {{"f", Pgno{11}}, {"p", Pgno{12}}, {"", Pgno{13}}});
    change.add(Pgno{11}, kLeaf, {{"a", "1"}}).set_next(Pgno{12});
    PageEditor page = change.add(Pgno{12}, kLeaf, {{"g", "2"}, {"h", "3"}});
    page.set_previous(Pgno{11});
    page.set_next(Pgno{13});
    change.add(Pgno{13}, kLeaf, {{"q", "4"}}).set_previous(Pgno{12});
    change.add_zero(Pgno{14});
    moved = move_of(change, Pgno{12}, Pgno{14});
    moved.record.left = Pgno{11};
    moved.record.right = Pgno{13};
    moved.record.parent = Pgno{10};
    moved.record.parent_line = 1;
  }
  TestChange change;
  Moved moved;
};

TEST_P(EsePageMove, EverythingThatPointedToThePagePointsToItsNewPlace) {
  change.log(moved.record, {moved.header, moved.trailer});
  change.apply_well();
  EXPECT_EQ(change.nodes(Pgno{14}), (Nodes{"g=2", "h=3"}));
  EXPECT_EQ(change.page(Pgno{14}).previous(), Pgno{11});
  EXPECT_EQ(change.page(Pgno{14}).next(), Pgno{13});
  EXPECT_EQ(change.page(Pgno{11}).next(), Pgno{14});
  EXPECT_EQ(change.page(Pgno{13}).previous(), Pgno{14});
  EXPECT_EQ(change.nodes(Pgno{10}), (Nodes{"f=11", "p=14", "=13"}));
  EXPECT_TRUE(change.page(Pgno{12}).has(kPageEmpty));
  for (int pgno = 10; pgno <= 14; ++pgno) {
    EXPECT_EQ(change.page(Pgno(pgno)).dbtime(), kAfter) << pgno;
  }
}

TEST_P(EsePageMove, AParentThatPointsElsewhereIsRefused) {
  moved.record.parent_line = 0;
  change.log(moved.record, {moved.header, moved.trailer});
  change.expect_refused(EseErr::database_corrupted, "does not point to the page that moves");
}

TEST_P(EsePageMove, AnImageThatIsNoPageIsRefused) {
  moved.header.resize(20);
  change.log(moved.record, {moved.header, moved.trailer});
  change.expect_refused(EseErr::log_corrupted, "has not the size of a page");
}

INSTANTIATE_TEST_SUITE_P(PageSizes, EsePageMove, testing::Values(4096, 16384));

TEST(EsePageApplyTree, AMovedRootKnowsWhereItsSpaceTreesAre) {
  TestChange change;
  const SpaceHeader header{8, Pgno{1}, kSpaceMultiple, page_number(kOwned), {}};
  change.add(kRoot, kLeaf | kPageRoot, {{"k", "v"}}, text_of(encode_space_header(header)));
  change.add(kOwned, kLeaf | kPageRoot | kPageSpace, {{"o", "1"}}, std::string(16, '\0'));
  change.add(kAvailable, kLeaf | kPageRoot | kPageSpace, {{"a", "1"}}, std::string(16, '\0'));
  constexpr Pgno kTo[] = {Pgno{60}, Pgno{61}, Pgno{62}};
  for (const Pgno pgno : kTo) change.add_zero(pgno);
  change.log(RootPageMoveRecord{.dbtime = kAfter, .objid = kTree});
  const Pgno from[] = {kRoot, kOwned, kAvailable};
  constexpr std::uint32_t kKinds[] = {PageMoveRecord::kFdpRoot, PageMoveRecord::kOwnedRoot,
                                      PageMoveRecord::kAvailableRoot};
  for (std::size_t i = 0; i < 3; ++i) {
    Moved moved = move_of(change, from[i], kTo[i]);
    moved.record.move_flags = kKinds[i];
    moved.record.parent_line = -1;
    change.log(moved.record, {moved.header, moved.trailer});
  }
  change.apply_well();
  EXPECT_EQ(space_header(change.page(Pgno{60})).owned_root(), Pgno{61});
  EXPECT_EQ(change.nodes(Pgno{60}), Nodes{"k=v"});
  EXPECT_EQ(change.nodes(Pgno{61}), Nodes{"o=1"});
  EXPECT_EQ(change.nodes(Pgno{62}), Nodes{"a=1"});
  EXPECT_TRUE(change.page(kRoot).has(kPageEmpty));
}

}  // namespace
}  // namespace stillframe::ese::tests

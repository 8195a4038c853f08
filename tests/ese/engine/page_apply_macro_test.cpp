// Macros over several pages: splits and merges.
#include <gtest/gtest.h>

#include "tests/ese/engine/test_change.hpp"
#include "writers/ese/format/record_image.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese::tests {
namespace {

using Nodes = std::vector<std::string>;

std::uint32_t number_of(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

// --- Splits.

constexpr Pgno kMacroParent{10}, kMacroSource{11}, kMacroNew{12}, kMacroRight{13};

// A leaf under a parent, with a leaf to its right; "f" is to be inserted behind "e".
class EsePageApplySplit : public testing::Test {
 protected:
  EsePageApplySplit() {
    change.add_parent(kMacroParent, kParent | kPageRoot, {{"m", kMacroSource}, {"", kMacroRight}});
    change.add(kMacroSource, kLeaf, {{"a", "1"}, {"c", "2"}, {"e", "3"}, {"g", "4"}})
        .set_next(kMacroRight);
    change.add(kMacroRight, kLeaf, {{"n", "5"}}).set_previous(kMacroSource);
    change.add_zero(kMacroNew);
    image = dehydrate_page(change.page(kMacroSource).bytes());
  }

  SplitRecord2 record_of(SplitType type, SplitOperation operation, std::uint16_t line_operation,
                         std::uint16_t line_split, std::uint16_t lines) {
    SplitRecord2 record;
    SplitFields& f = record.split;
    f.page = page_header(kMacroSource);
    f.new_page = kMacroNew;
    f.right = kMacroRight;
    f.right_before = kBefore;
    f.parent = kMacroParent;
    f.objid = kTree;
    f.split_type = static_cast<std::uint8_t>(type);
    f.operation = static_cast<std::uint8_t>(operation);
    f.line_operation = line_operation;
    f.line_split = line_split;
    f.lines = lines;
    f.new_flags = f.source_flags = kLeaf;
    f.line_prefix_source = f.line_prefix_new = -1;
    return record;
  }
  void log_split(const SplitRecord2& record, std::string_view separator, const Blob& page_image) {
    SplitRecord2 above;
    above.split.page = page_header(kMacroParent);
    above.split.line_prefix_source = above.split.line_prefix_new = -1;
    change.log(above, {Bytes{}, Bytes{}, Bytes{}, Bytes{}});
    const Blob key = blob(separator);
    SplitRecord2 own = record;
    own.image_flags = page_image.empty() ? 0 : PageImageFlags::kDehydrated;
    change.log(own, {key, Bytes{}, Bytes{}, page_image});
  }
  void log_insert(std::size_t line, std::string_view key, std::string_view data) {
    InsertRecord record;
    record.node = node_header(kMacroSource, line, PageRecordHeader::kVersioned);
    record.node.page.before = Dbtime::nil;
    const Blob suffix = blob(key), bytes = blob(data);
    change.log(record, {Bytes{}, suffix, bytes});
  }
  void log_right_split() {
    log_split(record_of(SplitType::right, SplitOperation::insert, 3, 2, 5), "e", image);
    log_insert(3, "f", "new");
  }
  void expect_right_split() {
    EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"a=1", "c=2"}));
    EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"e=3", "f=new*", "g=4"}));
    EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"e=11", "m=12", "=13"}));
    EXPECT_EQ(change.page(kMacroSource).next(), kMacroNew);
    EXPECT_EQ(change.page(kMacroNew).previous(), kMacroSource);
    EXPECT_EQ(change.page(kMacroNew).next(), kMacroRight);
    EXPECT_EQ(change.page(kMacroRight).previous(), kMacroNew);
    for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroNew, kMacroRight}) {
      EXPECT_EQ(change.page(pgno).dbtime(), kAfter) << number_of(pgno);
    }
  }

  TestChange change;
  Blob image;
};

TEST_F(EsePageApplySplit, TouchesEveryPageOnceAndMakesTheNewOne) {
  log_right_split();
  const auto touched = change.touched();
  ASSERT_TRUE(touched.ok());
  ASSERT_EQ(touched.value().size(), 4U);
  const Pgno expected[] = {kMacroParent, kMacroSource, kMacroNew, kMacroRight};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(touched.value()[i].pgno, expected[i]);
    EXPECT_EQ(touched.value()[i].made, expected[i] == kMacroNew);
    EXPECT_EQ(touched.value()[i].after, kAfter);
  }
}

TEST_F(EsePageApplySplit, ASplitToTheRightSharesOutTheNodesAndTheNewOne) {
  log_right_split();
  change.apply_well();
  expect_right_split();
}

TEST_F(EsePageApplySplit, TheNewPageComesFromTheImageWhenTheSourceWasWritten) {
  log_right_split();
  change.apply_well();
  change.add_zero(kMacroNew);  // as if it had not reached the file
  for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroRight}) change.mark_there(pgno);
  change.apply_well();
  expect_right_split();
}

TEST_F(EsePageApplySplit, TheSourceDropsItsNodesWhenOnlyTheNewPageWasWritten) {
  const Blob source = change.bytes(kMacroSource), parent = change.bytes(kMacroParent);
  log_right_split();
  change.apply_well();
  change.bytes(kMacroSource) = source;
  change.bytes(kMacroParent) = parent;
  change.mark_there(kMacroNew);
  change.mark_there(kMacroRight);
  change.apply_well();
  expect_right_split();
}

TEST_F(EsePageApplySplit, WithoutAnImageAWrittenSourceIsRefused) {
  log_split(record_of(SplitType::right, SplitOperation::insert, 3, 2, 5), "e", {});
  log_insert(3, "f", "new");
  for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroRight}) change.mark_there(pgno);
  change.expect_refused(EseErr::database_corrupted, "no image of the nodes that moved");
}

TEST_F(EsePageApplySplit, AnAppendMovesNothingAndNeedsNoImage) {
  log_split(record_of(SplitType::append, SplitOperation::insert, 4, 4, 5), "h", {});
  log_insert(4, "h", "new");
  change.apply_well();
  const auto check = [&] {
    EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"a=1", "c=2", "e=3", "g=4"}));
    EXPECT_EQ(change.nodes(kMacroNew), Nodes{"h=new*"});
    EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"h=11", "m=12", "=13"}));
  };
  check();
  change.add_zero(kMacroNew);
  for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroRight}) change.mark_there(pgno);
  change.apply_well();
  check();
}

TEST_F(EsePageApplySplit, ASplitForAReplaceMovesTheNodeWithItsNewData) {
  log_split(record_of(SplitType::right, SplitOperation::replace, 2, 2, 4), "e", image);
  ReplaceRecord record;
  record.node = node_header(kMacroSource, 2, PageRecordHeader::kVersioned);
  record.old_bytes = 1;
  record.new_bytes = 10;
  const Blob data = blob("longer now");
  change.log(record, {data});
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"a=1", "c=2"}));
  EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"e=longer now*", "g=4"}));
}

TEST_F(EsePageApplySplit, ASplitBringsADeletedNodeBack) {
  change.edit(kMacroSource).set_node_flags(0, kNodeDeleted);
  image = dehydrate_page(change.page(kMacroSource).bytes());
  log_split(record_of(SplitType::right, SplitOperation::flag_insert_and_replace, 0, 2, 4), "e",
            image);
  FlagInsertAndReplaceRecord record;
  record.node = node_header(kMacroSource, 0);
  const Blob key = blob("a"), data = blob("again");
  change.log(record, {key, data});
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"a=again", "c=2"}));
}

TEST_F(EsePageApplySplit, ASplitWithoutAnOperationOnlySharesOut) {
  log_split(record_of(SplitType::right, SplitOperation::none, 0, 3, 4), "g", image);
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"a=1", "c=2", "e=3"}));
  EXPECT_EQ(change.nodes(kMacroNew), Nodes{"g=4"});
}

TEST_F(EsePageApplySplit, BothPagesGetThePrefixOfTheLineTheRecordNames) {
  change
      .add(kMacroSource, kLeaf,
           {{"stem/one", "1"}, {"stem/three", "2"}, {"stem/two", "3"}, {"stem/two2", "4"}})
      .set_next(kMacroRight);
  auto record = record_of(SplitType::right, SplitOperation::none, 0, 2, 4);
  record.split.line_prefix_source = 1;
  record.split.line_prefix_new = 0;
  log_split(record, "stem/tw", dehydrate_page(change.page(kMacroSource).bytes()));
  change.add_parent(kMacroParent, kParent | kPageRoot, {{"", kMacroSource}});
  change.apply_well();
  EXPECT_EQ(text_of(change.page(kMacroSource).prefix()), "stem/three");
  EXPECT_EQ(text_of(change.page(kMacroNew).prefix()), "stem/two");
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"stem/one=1", "stem/three=2"}));
  EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"stem/two=3", "stem/two2=4"}));
  EXPECT_EQ(change.page(kMacroNew).node(1).key.prefix.size(), 8U);
}

TEST_F(EsePageApplySplit, ARootGivesAllItsNodesToTheNewPage) {
  constexpr Pgno kTop{40};
  change.add(kTop, kLeaf | kPageRoot | 0x8000, {{"a", "1"}, {"b", "2"}}, std::string(16, 'h'));
  auto record = record_of(SplitType::vertical, SplitOperation::none, 0, 0, 2);
  record.split.page = page_header(kTop);
  record.split.right = Pgno::null;
  record.split.parent = Pgno::null;
  record.split.source_flags = kParent | kPageRoot;
  record.image_flags = PageImageFlags::kDehydrated;
  const Blob before = dehydrate_page(change.page(kTop).bytes());
  change.log(record, {Bytes{}, Bytes{}, Bytes{}, before});
  change.apply_well();
  EXPECT_EQ(change.nodes(kTop), Nodes{"=12"});
  EXPECT_EQ(change.page(kTop).flags(), kParent | kPageRoot | 0x8000) << "the flush type stays";
  EXPECT_EQ(text_of(change.page(kTop).external_header()), std::string(16, 'h'));
  EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"a=1", "b=2"}));
  EXPECT_EQ(change.page(kMacroNew).previous(), Pgno::null);
  EXPECT_EQ(change.page(kMacroNew).next(), Pgno::null);
}

TEST_F(EsePageApplySplit, ASpaceTreesRootKeepsItsBufferAndLosesItsPrefix) {
  constexpr Pgno kTop{40};
  change.add(kTop, kLeaf | kPageRoot | kPageSpace, {{"prefix1", "1"}, {"prefix2", "2"}},
             std::string(16, 'b') + "prefix");
  auto record = record_of(SplitType::vertical, SplitOperation::none, 0, 0, 2);
  record.split.page = page_header(kTop);
  record.split.right = record.split.parent = Pgno::null;
  record.split.source_flags = kParent | kPageRoot | kPageSpace;
  change.log(record, {Bytes{}, Bytes{}, Bytes{}, Bytes{}});
  change.apply_well();
  EXPECT_EQ(text_of(change.page(kTop).external_header()), std::string(16, 'b'));
  EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"prefix1=1", "prefix2=2"}));
}

// Three levels: the leaf's split splits its parent, and the page above that gets a pointer.
TEST_F(EsePageApplySplit, ASplitGoesUpThroughInternalPages) {
  constexpr Pgno kTop{40}, kNewParent{41};
  change.add_parent(kTop, kCommon | kPageRoot, {{"", kMacroParent}});
  change.add_parent(kMacroParent, kParent,
                    {{"m", kMacroSource}, {"t", kMacroRight}, {"", Pgno{99}}});
  change.add_zero(kNewParent);

  SplitRecord2 top;
  top.split.page = page_header(kTop);
  top.split.line_prefix_source = top.split.line_prefix_new = -1;
  change.log(top, {Bytes{}, Bytes{}, Bytes{}, Bytes{}});
  auto middle = record_of(SplitType::right, SplitOperation::insert, 0, 2, 4);
  middle.split.page = page_header(kMacroParent);
  middle.split.new_page = kNewParent;
  middle.split.right = Pgno::null;
  middle.split.new_flags = kParent;
  middle.image_flags = PageImageFlags::kDehydrated;
  const Blob parent_image = dehydrate_page(change.page(kMacroParent).bytes());
  const Blob middle_key = blob("m"), leaf_key = blob("e");
  change.log(middle, {middle_key, Bytes{}, Bytes{}, parent_image});
  auto leaf = record_of(SplitType::right, SplitOperation::insert, 3, 2, 5);
  leaf.image_flags = PageImageFlags::kDehydrated;
  change.log(leaf, {leaf_key, Bytes{}, Bytes{}, image});
  log_insert(3, "f", "new");
  change.apply_well();
  EXPECT_EQ(change.nodes(kTop), (Nodes{"m=10", "=41"}));
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"e=11", "m=12"}));
  EXPECT_EQ(change.nodes(kNewParent), (Nodes{"t=13", "=99"}));
  EXPECT_EQ(change.nodes(kMacroNew), (Nodes{"e=3", "f=new*", "g=4"}));
  EXPECT_EQ(change.page(kNewParent).previous(), Pgno::null) << "internal pages have no siblings";
}

TEST_F(EsePageApplySplit, AParentThatDoesNotPointToThePageIsRefused) {
  change.add_parent(kMacroParent, kParent | kPageRoot, {{"m", Pgno{77}}, {"", kMacroRight}});
  log_right_split();
  change.expect_refused(EseErr::database_corrupted,
                        "line 0 does not point to the page that splits");
}

TEST_F(EsePageApplySplit, OtherLinesThanTheRecordCountsAreRefused) {
  change.edit(kMacroSource).erase(3);
  log_right_split();
  change.expect_refused(EseErr::database_corrupted, "it has 3 lines, which are not those");
}

TEST_F(EsePageApplySplit, ASplitWithoutItsOperationIsRefused) {
  log_split(record_of(SplitType::right, SplitOperation::insert, 3, 2, 5), "e", image);
  change.expect_refused(EseErr::log_corrupted, "the record of its operation is not in the macro");
}

TEST_F(EsePageApplySplit, APrefixFromALineThatIsNotThereIsRefused) {
  auto record = record_of(SplitType::right, SplitOperation::none, 0, 2, 4);
  record.split.line_prefix_new = 2;
  log_split(record, "e", image);
  change.expect_refused(EseErr::log_corrupted, "a prefix is taken from a line that is not there");
}

TEST_F(EsePageApplySplit, ANeighbourOfAnotherAgeIsRefusedAndNothingChanges) {
  change.edit(kMacroRight).set_dbtime(Dbtime{98});
  log_right_split();
  change.expect_refused(EseErr::db_time_too_old, "page 13");
}

// --- Merges.

constexpr Pgno kMacroLeft{14};

class EsePageApplyMerge : public testing::Test {
 protected:
  EsePageApplyMerge() {
    change.add_parent(kMacroParent, kParent | kPageRoot,
                      {{"e", kMacroLeft}, {"m", kMacroSource}, {"", kMacroRight}});
    change.add(kMacroLeft, kLeaf, {{"a", "1"}}).set_next(kMacroSource);
    PageEditor source =
        change.add(kMacroSource, kLeaf, {{"f", "2"}, {"g", "3", kNodeDeleted}, {"h", "4"}}, "fgh");
    source.set_previous(kMacroLeft);
    source.set_next(kMacroRight);
    change.add(kMacroRight, kLeaf, {{"n", "5"}}).set_previous(kMacroSource);
    image = dehydrate_page(change.page(kMacroSource).bytes());
  }
  void log_merge(std::uint8_t type, std::uint16_t line, std::uint8_t above_flags,
                 std::string_view separator = "", bool with_image = true) {
    MergeRecord2 above;
    above.merge.page = page_header(kMacroParent, 1);
    above.merge.merge_flags = above_flags;
    const Blob key = blob(separator);
    change.log(above, {key, Bytes{}});
    MergeRecord2 leaf;
    leaf.merge.page = page_header(kMacroSource);
    leaf.merge.left = kMacroLeft;
    leaf.merge.right = kMacroRight;
    leaf.merge.left_before = leaf.merge.right_before = kBefore;
    leaf.merge.parent = kMacroParent;
    leaf.merge.line_merge = line;
    leaf.merge.merge_type = type;
    leaf.image_flags = with_image ? PageImageFlags::kDehydrated : 0;
    change.log(leaf, {Bytes{}, with_image ? Bytes(image) : Bytes{}});
  }
  void expect_unlinked() {
    EXPECT_TRUE(change.page(kMacroSource).has(kPageEmpty));
    EXPECT_EQ(change.page(kMacroSource).lines(), 0U);
    EXPECT_EQ(change.page(kMacroLeft).next(), kMacroRight);
    EXPECT_EQ(change.page(kMacroRight).previous(), kMacroLeft);
  }

  TestChange change;
  Blob image;
};

constexpr std::uint8_t kDeleteNode = MergeFields::kDeleteNode, kKeyChange = MergeFields::kKeyChange;

TEST_F(EsePageApplyMerge, APageWithDeadNodesIsUnlinked) {
  log_merge(1, 0, kDeleteNode);
  change.apply_well();
  expect_unlinked();
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"e=14", "=13"}));
  EXPECT_EQ(change.nodes(kMacroLeft), Nodes{"a=1"});
  EXPECT_EQ(change.nodes(kMacroRight), Nodes{"n=5"});
}

TEST_F(EsePageApplyMerge, LiveNodesGoToTheFrontOfTheRightPage) {
  log_merge(2, 0, kDeleteNode);
  change.apply_well();
  expect_unlinked();
  EXPECT_EQ(change.nodes(kMacroRight), (Nodes{"f=2", "h=4", "n=5"}));
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"e=14", "=13"}));
}

TEST_F(EsePageApplyMerge, TheyComeFromTheImageWhenTheSourceWasWritten) {
  log_merge(2, 0, kDeleteNode);
  const Blob right = change.bytes(kMacroRight);
  change.apply_well();
  change.bytes(kMacroRight) = right;
  for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroLeft}) change.mark_there(pgno);
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroRight), (Nodes{"f=2", "h=4", "n=5"}));
}

TEST_F(EsePageApplyMerge, WithoutAnImageAWrittenSourceIsRefused) {
  log_merge(2, 0, kDeleteNode, "", false);
  for (const Pgno pgno : {kMacroParent, kMacroSource, kMacroLeft}) change.mark_there(pgno);
  change.expect_refused(EseErr::database_corrupted, "no image of the nodes that moved");
}

TEST_F(EsePageApplyMerge, APartialMergeToTheRightMovesTheSeparator) {
  log_merge(3, 2, kKeyChange, "h");
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"f=2", "-g=3"}));
  EXPECT_EQ(change.nodes(kMacroRight), (Nodes{"h=4", "n=5"}));
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"e=14", "h=11", "=13"}));
  EXPECT_EQ(change.page(kMacroSource).next(), kMacroRight);
  EXPECT_EQ(change.page(kMacroLeft).dbtime(), kBefore)
      << "the page on the other side is left alone";
}

TEST_F(EsePageApplyMerge, LiveNodesGoToTheEndOfTheLeftPageWhichTakesOverThePointer) {
  log_merge(5, 2, kDeleteNode);
  change.apply_well();
  expect_unlinked();
  EXPECT_EQ(change.nodes(kMacroLeft), (Nodes{"a=1", "f=2", "h=4"}));
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"m=14", "=13"}));
}

TEST_F(EsePageApplyMerge, APartialMergeToTheLeftMovesTheSeparatorBeforeIt) {
  log_merge(6, 0, kKeyChange, "g");
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroLeft), (Nodes{"a=1", "f=2"}));
  EXPECT_EQ(change.nodes(kMacroSource), (Nodes{"-g=3", "h=4"}));
  EXPECT_EQ(change.nodes(kMacroParent), (Nodes{"g=14", "m=11", "=13"}));
}

TEST_F(EsePageApplyMerge, ThePointerBeforeOneThatWasOpenBecomesOpen) {
  change.add_parent(kMacroParent, kParent | kPageRoot, {{"e", kMacroLeft}, {"", kMacroSource}});
  change.add(kMacroSource, kLeaf, {{"f", "2", kNodeDeleted}}).set_previous(kMacroLeft);
  MergeRecord2 above;
  above.merge.page = page_header(kMacroParent, 1);
  above.merge.merge_flags = kDeleteNode;
  change.log(above, {Bytes{}, Bytes{}});
  MergeRecord2 leaf;
  leaf.merge.page = page_header(kMacroSource);
  leaf.merge.left = kMacroLeft;
  leaf.merge.left_before = kBefore;
  leaf.merge.merge_type = 1;
  change.log(leaf, {Bytes{}, Bytes{}});
  change.apply_well();
  EXPECT_EQ(change.nodes(kMacroParent), Nodes{"=14"});
  EXPECT_EQ(change.page(kMacroLeft).next(), Pgno::null);
}

TEST_F(EsePageApplyMerge, AnInternalPageThatLosesItsLastPointerIsEmptied) {
  constexpr Pgno kTop{40};
  change.add_parent(kTop, kCommon | kPageRoot, {{"m", kMacroParent}, {"", Pgno{98}}});
  change.add_parent(kMacroParent, kParent, {{"", kMacroSource}});
  MergeRecord2 top;
  top.merge.page = page_header(kTop, 0);
  top.merge.merge_flags = kDeleteNode;
  change.log(top, {Bytes{}, Bytes{}});
  MergeRecord2 middle;
  middle.merge.page = page_header(kMacroParent, 0);
  middle.merge.merge_flags = MergeFields::kEmptyPage;
  change.log(middle, {Bytes{}, Bytes{}});
  MergeRecord2 leaf;
  leaf.merge.page = page_header(kMacroSource);
  leaf.merge.merge_type = 1;
  change.log(leaf, {Bytes{}, Bytes{}});
  change.apply_well();
  EXPECT_EQ(change.nodes(kTop), Nodes{"=98"});
  EXPECT_TRUE(change.page(kMacroParent).has(kPageEmpty));
  EXPECT_TRUE(change.page(kMacroSource).has(kPageEmpty));
}

TEST_F(EsePageApplyMerge, AParentThatPointsElsewhereIsRefused) {
  change.add_parent(kMacroParent, kParent | kPageRoot, {{"e", kMacroLeft}, {"", kMacroRight}});
  log_merge(1, 0, kDeleteNode);
  change.expect_refused(EseErr::database_corrupted,
                        "line 1 does not point to the page that merges");
}

TEST_F(EsePageApplyMerge, ATargetWithoutRoomIsRefused) {
  change.add(kMacroRight, kLeaf, {{"n", std::string(4040, 'x')}}).set_previous(kMacroSource);
  log_merge(2, 0, kDeleteNode);
  change.expect_refused(EseErr::database_corrupted, "do not fit on it");
}

TEST_F(EsePageApplyMerge, AMergeOfAKindThatNobodyLogsIsRefused) {
  log_merge(4, 0, kDeleteNode);
  change.expect_refused(EseErr::log_corrupted, "of a kind that nobody logs");
}

}  // namespace
}  // namespace stillframe::ese::tests

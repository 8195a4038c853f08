#include "writers/ese/engine/page_apply.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "tests/ese/engine/test_change.hpp"
#include "writers/ese/format/record_diff.hpp"

namespace stillframe::ese::tests {
namespace {

using Nodes = std::vector<std::string>;

constexpr Pgno kAppliedPage{10};
constexpr std::uint8_t kVersioned = PageRecordHeader::kVersioned;

// A leaf with four nodes and a prefix, one of them deleted.
class EsePageApply : public testing::TestWithParam<std::size_t> {
 protected:
  EsePageApply() : change(GetParam()) {
    change.add(
        kAppliedPage, kLeaf,
        {{"ant", "1"}, {"beetle", "four"}, {"bumblebee", "long data", kNodeDeleted}, {"wasp", "9"}},
        "beetle");
  }

  void insert(std::size_t line, std::string_view prefix, std::string_view suffix,
              std::string_view data, std::uint8_t flags = 0) {
    InsertRecord record;
    record.node = node_header(kAppliedPage, line, flags);
    const Blob a = blob(prefix), b = blob(suffix), c = blob(data);
    change.log(record, {a, b, c});
  }
  void replace(std::size_t line, std::string_view old_data, std::string_view data,
               std::uint8_t flags = 0) {
    ReplaceRecord record;
    record.node = node_header(kAppliedPage, line, flags);
    record.old_bytes = static_cast<std::uint16_t>(old_data.size());
    record.new_bytes = static_cast<std::uint16_t>(data.size());
    const Blob bytes = blob(data);
    change.log(record, {bytes});
  }
  void line_record(RecordType type, std::size_t line, std::uint8_t flags = 0) {
    LineRecord record;
    record.type = type;
    record.node = node_header(kAppliedPage, line, flags);
    change.log(record);
  }
  template <class R>
  void bring_back(std::size_t line, std::string_view key, std::string_view data,
                  std::uint8_t flags = 0) {
    R record;
    record.node = node_header(kAppliedPage, line, flags);
    const Blob a = blob(key), b = blob(data);
    change.log(record, {a, b});
  }
  void undo(std::size_t line) {
    UndoRecord record;
    record.node = node_header(kAppliedPage, line);
    change.log(record);
  }
  void delta(std::size_t line, std::size_t offset, std::int32_t by) {
    DeltaRecord record;
    record.node = node_header(kAppliedPage, line, kVersioned);
    record.delta = by;
    record.offset = static_cast<std::uint16_t>(offset);
    change.log(record);
  }

  TestChange change;
};

TEST_P(EsePageApply, InsertPutsANodeAtItsLineWithThePrefixItNames) {
  insert(2, "beetle", "s", "data", kVersioned);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage),
            (Nodes{"ant=1", "beetle=four", "beetles=data*", "-bumblebee=long data", "wasp=9"}));
  EXPECT_EQ(change.page(kAppliedPage).node(2).key.prefix.size(), 6U);
  EXPECT_EQ(change.page(kAppliedPage).dbtime(), kAfter);
}

TEST_P(EsePageApply, InsertBehindTheLastLineNeedsNoMarkAndNoPrefix) {
  insert(4, "", "yak", "");
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage).back(), "yak=");
  EXPECT_EQ(change.page(kAppliedPage).node_flags(4), 0);
}

TEST_P(EsePageApply, InsertIsRefusedBehindTheLines) {
  insert(6, "", "z", "");
  change.expect_refused(EseErr::database_corrupted, "line 6 is not among its 4");
}

TEST_P(EsePageApply, InsertIsRefusedOutOfOrder) {
  insert(1, "", "zebra", "");
  change.expect_refused(EseErr::database_corrupted, "not in order at line 1");
}

TEST_P(EsePageApply, InsertIsRefusedWhereItsKeyIsAlready) {
  insert(1, "", "beetle", "");
  change.expect_refused(EseErr::database_corrupted, "not in order at line 1");
}

TEST_P(EsePageApply, InsertIsRefusedWithAPrefixThePageHasNot) {
  insert(1, "bear", "", "");
  change.expect_refused(EseErr::database_corrupted, "its prefix is not");
}

TEST_P(EsePageApply, InsertIsRefusedWithoutRoom) {
  insert(1, "", "b", std::string(change.page(kAppliedPage).free_bytes(), 'x'));
  change.expect_refused(EseErr::database_corrupted, "no room for a node");
}

TEST_P(EsePageApply, FlagInsertBringsADeletedNodeBack) {
  bring_back<FlagInsertRecord>(2, "bumblebee", "", kVersioned);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[2], "bumblebee=long data*");
}

TEST_P(EsePageApply, FlagInsertIsRefusedForANodeThatIsNotDeletedOrAnother) {
  bring_back<FlagInsertRecord>(1, "beetle", "");
  change.expect_refused(EseErr::database_corrupted, "line 1 is not the deleted node");
  change.forget_records();
  bring_back<FlagInsertRecord>(2, "butterfly", "");
  change.expect_refused(EseErr::database_corrupted, "line 2 is not the deleted node");
}

TEST_P(EsePageApply, FlagInsertAndReplaceBringsItBackWithOtherData) {
  bring_back<FlagInsertAndReplaceRecord>(2, "bumblebee", "longer data than before", kVersioned);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[2], "bumblebee=longer data than before*");
}

TEST_P(EsePageApply, FlagInsertAndReplaceIsRefusedForALiveNode) {
  bring_back<FlagInsertAndReplaceRecord>(0, "ant", "2");
  change.expect_refused(EseErr::database_corrupted, "line 0 is not the deleted node");
}

TEST_P(EsePageApply, FlagDeleteKeepsTheNodeInItsPlace) {
  line_record(RecordType::flag_delete, 1, kVersioned);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "-beetle=four*");
}

TEST_P(EsePageApply, DeleteTakesTheLineOut) {
  line_record(RecordType::remove, 2);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage), (Nodes{"ant=1", "beetle=four", "wasp=9"}));
}

TEST_P(EsePageApply, DeletesOfLinesThatAreNotThereAreRefused) {
  line_record(RecordType::flag_delete, 4);
  change.expect_refused(EseErr::database_corrupted, "line 4 is not among its 4");
  change.forget_records();
  line_record(RecordType::remove, 4);
  change.expect_refused(EseErr::database_corrupted, "line 4 is not among its 4");
}

TEST_P(EsePageApply, ReplaceGivesANodeOtherData) {
  replace(1, "four", "thirteen chars");
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "beetle=thirteen chars");
  EXPECT_EQ(change.page(kAppliedPage).uncommitted_free_bytes(), 0U);
}

TEST_P(EsePageApply, AShrinkingReplaceUnderATransactionKeepsItsRoomForTheUndo) {
  replace(1, "four", "1", kVersioned);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "beetle=1*");
  EXPECT_EQ(change.page(kAppliedPage).uncommitted_free_bytes(), 3U);
}

TEST_P(EsePageApply, ReplaceIsRefusedWhenTheOldDataHasAnotherSize) {
  replace(1, "fours", "1");
  change.expect_refused(EseErr::database_corrupted, "4 bytes where the record replaces 5 bytes");
}

TEST_P(EsePageApply, ReplaceIsRefusedWhenItsOwnSizesDiffer) {
  ReplaceRecord record;
  record.node = node_header(kAppliedPage, 1);
  record.old_bytes = 4;
  record.new_bytes = 7;
  const Blob data = blob("four");
  change.log(record, {data});
  change.expect_refused(EseErr::log_corrupted, "not as long as it says");
}

TEST_P(EsePageApply, ReplaceWithADifferenceAppliesIt) {
  const std::string old_data(200, 'a'), new_data = old_data + "tail" + std::string(80, 'b');
  change.add(kAppliedPage, kLeaf, {{"k", old_data}});
  const auto form = GetParam() > 8192 ? DiffForm::wide : DiffForm::narrow;
  const auto diff = make_diff(blob(old_data), blob(new_data), form);
  ASSERT_TRUE(diff.has_value());
  ReplaceDiffRecord record;
  record.node = node_header(kAppliedPage, 0, kVersioned);
  record.diff_bytes = form == DiffForm::wide ? ReplaceDiffRecord::kWide : 0;
  record.old_bytes = static_cast<std::uint16_t>(old_data.size());
  record.new_bytes = static_cast<std::uint16_t>(new_data.size());
  change.log(record, {*diff});
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage), Nodes{"k=" + new_data + "*"});
}

TEST_P(EsePageApply, ADifferenceThatMakesAnotherSizeIsRefused) {
  const std::string old_data(200, 'a'), new_data = old_data + "tail";
  change.add(kAppliedPage, kLeaf, {{"k", old_data}});
  const auto diff = make_diff(blob(old_data), blob(new_data), DiffForm::narrow);
  ASSERT_TRUE(diff.has_value());
  ReplaceDiffRecord record;
  record.node = node_header(kAppliedPage, 0);
  record.old_bytes = 200;
  record.new_bytes = 205;
  change.log(record, {*diff});
  change.expect_refused(EseErr::database_corrupted, "the difference in the record does not fit");
}

TEST_P(EsePageApply, DeltaAddsToACounterOfFourBytes) {
  delta(1, 0, 0x01010101);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "beetle=gpvs*");  // "four", each byte one more
}

TEST_P(EsePageApply, Delta64AddsToACounterOfEightBytes) {
  change.add(kAppliedPage, kLeaf, {{"k", std::string("x\xff\xff\xff\xff\xff\xff\xff\xff", 9)}});
  DeltaRecord64 record;
  record.node = node_header(kAppliedPage, 0, kVersioned);
  record.delta = 3;
  record.offset = 1;
  change.log(record);
  change.apply_well();
  EXPECT_EQ(load_le<std::uint64_t>(change.page(kAppliedPage).data(0).data() + 1), 2U);
}

TEST_P(EsePageApply, ADeltaThatReachesOutOfTheDataIsRefused) {
  delta(1, 1, 1);
  change.expect_refused(EseErr::database_corrupted, "a counter at 1 is not within the 4 bytes");
}

TEST_P(EsePageApply, SetExternalHeaderReplacesTheHeaderOfARoot) {
  change.add(kAppliedPage, kLeaf | kPageRoot, {{"k", "v"}}, std::string(16, 'h'));
  ExternalHeaderRecord record;
  record.node = node_header(kAppliedPage);
  const Blob header = blob(std::string(25, 'n'));
  change.log(record, {header});
  change.apply_well();
  EXPECT_EQ(text_of(change.page(kAppliedPage).external_header()), std::string(25, 'n'));
  EXPECT_EQ(change.nodes(kAppliedPage), Nodes{"k=v"});
}

TEST_P(EsePageApply, SetExternalHeaderIsRefusedWhenKeysWouldLoseTheirPrefix) {
  ExternalHeaderRecord record;
  record.node = node_header(kAppliedPage);
  const Blob header = blob("bee");
  change.log(record, {header});
  change.expect_refused(EseErr::database_corrupted, "prefix that the header drops");
}

TEST_P(EsePageApply, ScrubOfAUsedPageKeepsWhatIsOnIt) {
  ScrubRecord record;
  record.node = node_header(kAppliedPage);
  record.lines = 4;
  const Blob operations(8);
  change.log(record, {operations});
  const Nodes before = change.nodes(kAppliedPage);
  change.apply_well();
  EXPECT_EQ(change.nodes(kAppliedPage), before);
  EXPECT_EQ(change.page(kAppliedPage).dbtime(), kAfter);
}

TEST_P(EsePageApply, ScrubOfAnUnusedPageTakesItsLines) {
  ScrubRecord record;
  record.node = node_header(kAppliedPage);
  record.scrub_flags = ScrubRecord::kUnusedPage;
  change.log(record, {Bytes{}});
  change.apply_well();
  EXPECT_TRUE(change.nodes(kAppliedPage).empty());
  EXPECT_TRUE(change.page(kAppliedPage).has(kPageScrubbed));
}

TEST_P(EsePageApply, UndoOfAnInsertLeavesADeletedNode) {
  change.edit(kAppliedPage).set_node_flags(1, kNodeVersion);
  undo(1);
  const Change undone{VersionOper::insert, {}, 0, 0, 4};
  change.apply_well({.database = "test.edb", .undone = &undone});
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "-beetle=four");
}

TEST_P(EsePageApply, UndoOfADeleteBringsTheNodeBack) {
  change.edit(kAppliedPage).set_node_flags(2, kNodeVersion | kNodeDeleted);
  undo(2);
  const Change undone{VersionOper::flag_delete, {}, 0, 0, 4};
  change.apply_well({.database = "test.edb", .undone = &undone});
  EXPECT_EQ(change.nodes(kAppliedPage)[2], "bumblebee=long data");
}

TEST_P(EsePageApply, UndoOfAReplaceUsesTheRoomThatWasKept) {
  replace(1, "four", "1", kVersioned);
  change.apply_well();
  change.forget_records();
  UndoRecord record;
  record.node = node_header(kAppliedPage, 1);
  record.node.page.before = kAfter;
  record.node.page.dbtime = Dbtime{300};
  change.log(record);
  const Change undone{VersionOper::replace, blob("four"), 0, 0, 4};
  change.apply_well({.database = "test.edb", .undone = &undone});
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "beetle=four");
  EXPECT_EQ(change.page(kAppliedPage).uncommitted_free_bytes(), 0U);
}

TEST_P(EsePageApply, UndoOfADeltaSubtracts) {
  undo(1);
  const Change undone{VersionOper::delta, {}, 0x01010101, 0, 4};
  change.apply_well({.database = "test.edb", .undone = &undone});
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "beetle=entq");
}

TEST_P(EsePageApply, UndoKeepsTheMarkWhileTheNodeHasOtherVersions) {
  change.edit(kAppliedPage).set_node_flags(1, kNodeVersion);
  undo(1);
  const Change undone{VersionOper::insert, {}, 0, 0, 4};
  change.apply_well({.database = "test.edb", .undone = &undone, .more_versions = true});
  EXPECT_EQ(change.nodes(kAppliedPage)[1], "-beetle=four*");
}

TEST_P(EsePageApply, UndoOfWhatIsNotKnownIsRefused) {
  undo(1);
  change.expect_refused(EseErr::log_corrupted, "what it takes back is not known");
}

// --- Rules for every record.

TEST_P(EsePageApply, APageThatLacksAnEarlierChangeIsRefused) {
  change.edit(kAppliedPage).set_dbtime(Dbtime{99});
  replace(1, "four", "5");
  change.expect_refused(EseErr::db_time_too_old, "dbtime 99 where the record changes 100 to 200");
}

TEST_P(EsePageApply, APageWithAChangeFromElsewhereIsRefused) {
  change.edit(kAppliedPage).set_dbtime(Dbtime{150});
  replace(1, "four", "5");
  change.expect_refused(EseErr::db_time_too_new, "dbtime 150 where the record changes 100 to 200");
}

TEST_P(EsePageApply, AChangeIsNotMadeTwice) {
  change.edit(kAppliedPage).set_dbtime(kAfter);
  replace(1, "four", "5");
  change.expect_refused(EseErr::db_time_too_new, "has the change already");
}

TEST_P(EsePageApply, APageThatWasNeverWrittenIsRefused) {
  change.add_zero(kAppliedPage);
  replace(1, "four", "5");
  change.expect_refused(EseErr::page_not_initialized, "never written");
}

TEST_P(EsePageApply, JudgingTellsWhatRedoHasToDo) {
  replace(1, "four", "5");
  const auto touched = change.touched();
  ASSERT_TRUE(touched.ok());
  ASSERT_EQ(touched.value().size(), 1U);
  const TouchedPage page = touched.value()[0];
  EXPECT_EQ(page.pgno, kAppliedPage);
  EXPECT_EQ(page.before, kBefore);
  EXPECT_EQ(page.after, kAfter);
  const Blob record = encode_record(ReplaceRecord{}, {Bytes{}});
  const LoggedRecord logged[] = {{record, Lgpos{9, 8, Generation{7}}}};
  const auto judged = [&](const TouchedPage& as, std::int64_t dbtime) {
    change.edit(kAppliedPage).set_dbtime(Dbtime{dbtime});
    return judge_page(as, change.bytes(kAppliedPage), logged, {.database = "test.edb"});
  };
  EXPECT_EQ(judged(page, 100).value(), PageVerdict::apply);
  EXPECT_EQ(judged(page, 200).value(), PageVerdict::already_there);
  EXPECT_EQ(judged(page, 900).value(), PageVerdict::already_there);
  EXPECT_TRUE(is(judged(page, 99).error(), EseErr::db_time_too_old));
  EXPECT_TRUE(is(judged(page, 101).error(), EseErr::db_time_too_new));

  TouchedPage made = page;
  made.made = true;
  EXPECT_EQ(judged(made, 199).value(), PageVerdict::apply);
  EXPECT_EQ(judged(made, 200).value(), PageVerdict::already_there);
  EXPECT_EQ(judge_page(made, {}, logged, {}).value(), PageVerdict::apply);
  EXPECT_TRUE(is(judge_page(page, {}, logged, {}).error(), EseErr::page_not_initialized));
}

TEST_P(EsePageApply, RecordsThatPagesDoNotKnowAreRefused) {
  ConvertFdpRecord record;
  record.page = page_header(kAppliedPage);
  change.log(record);
  const Status done = change.apply();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), Errc::not_supported);
  EXPECT_NE(done.error().what().find("ConvertFDP at 7,8,9"), std::string::npos)
      << done.error().what();
}

INSTANTIATE_TEST_SUITE_P(PageSizes, EsePageApply, testing::Values(2048, 4096, 8192, 32768));

}  // namespace
}  // namespace stillframe::ese::tests

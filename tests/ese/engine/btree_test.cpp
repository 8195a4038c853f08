#include "writers/ese/engine/btree.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/test_engine.hpp"
#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese {
namespace {

using tests::Blob;
using tests::blob;
using tests::row_of;
using tests::TestEngine;

constexpr Objid kOther{20};

Blob key_of(int number) {
  return blob("key" + std::to_string(100000 + number));
}

class BTreeTest : public testing::Test {
 protected:
  BTreeTest() : engine_(4096, 64) {}

  OpenTransaction begin(int session = 5) {
    return OpenTransaction(engine_.transactions, *engine_.log,
                           Procid{static_cast<std::uint16_t>(session)});
  }
  static Blob row(std::size_t bytes, std::uint32_t counter = 0) {
    return row_of(counter, Blob(bytes, std::byte{'r'}), false);
  }
  void fill(int from, int to, std::size_t bytes) {
    OpenTransaction transaction = begin();
    for (int i = from; i < to; ++i) {
      const Status status = engine_.rows->insert(transaction, key_of(i), row(bytes));
      ASSERT_TRUE(status.ok()) << status.error().what();
    }
    ASSERT_TRUE(transaction.commit().ok());
  }
  std::size_t count(const TransactionState& reader) {
    BTreeReader nodes(*engine_.rows, reader);
    std::size_t sum = 0;
    for (Status s = nodes.first(); s.ok() && !nodes.at_end(); s = nodes.next()) ++sum;
    return sum;
  }
  // Pages that hold rows or lead to them.
  std::size_t pages_in_use() {
    EXPECT_TRUE(engine_.cache->write_changed().ok());
    const auto space = read_space(*engine_.store, engine_.rows_id.root, engine_.rows_id.objid);
    std::size_t pages = 0;
    for (const Extent& extent : space.value().owned) pages += extent.pages;
    for (const Extent& extent : space.value().available) pages -= extent.pages;
    return pages;
  }
  void clean_up() {
    OpenTransaction transaction = begin(6);
    for (const auto& settled :
         engine_.versions.purge(engine_.transactions.oldest_needed(), 100000)) {
      const Status status = engine_.rows->clean_up(transaction, {settled.bookmark, {}});
      ASSERT_TRUE(status.ok()) << status.error().what();
    }
    ASSERT_TRUE(transaction.commit().ok());
  }

  TestEngine engine_;
};

TEST_F(BTreeTest, RowsThatComeInOrderFillTheirPages) {
  fill(0, 2000, 100);
  EXPECT_LT(pages_in_use(), 2000u * 120 / 4096 + 20);
  engine_.expect_sound();
}

TEST_F(BTreeTest, AWriterThatDoesNotSeeAChangeConflictsWithIt) {
  fill(0, 10, 50);
  OpenTransaction first = begin(5), second = begin(6);
  ASSERT_TRUE(engine_.rows->replace(first, key_of(3), row(60)).ok());
  const Status refused = engine_.rows->remove(second, {key_of(3), {}});
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is(refused.error(), EseErr::write_conflict)) << refused.error().what();
  ASSERT_TRUE(first.commit().ok());
  EXPECT_FALSE(engine_.rows->remove(second, {key_of(3), {}}).ok());  // it began before
  ASSERT_TRUE(second.rollback().ok());
}

TEST_F(BTreeTest, CountersTakeWhatSeveralTransactionsAdd) {
  fill(0, 1, 10);
  OpenTransaction first = begin(5), second = begin(6), third = begin(7);
  ASSERT_TRUE(engine_.rows->add(first, key_of(0), tests::kCounterOffset, 5).ok());
  ASSERT_TRUE(engine_.rows->add(second, key_of(0), tests::kCounterOffset, 70).ok());
  ASSERT_TRUE(engine_.rows->add(third, key_of(0), tests::kCounterOffset, 900).ok());
  ASSERT_TRUE(third.rollback().ok());
  ASSERT_TRUE(second.commit().ok());
  ASSERT_TRUE(first.commit().ok());
  OpenTransaction reader = begin();
  BTreeReader nodes(*engine_.rows, reader.state());
  ASSERT_TRUE(nodes.first().ok());
  EXPECT_EQ(load_le<std::uint32_t>(nodes.data().data() + tests::kCounterOffset), 75u);
}

TEST_F(BTreeTest, AReaderKeepsSeeingWhatWasThereWhenItBegan) {
  fill(0, 300, 100);
  OpenTransaction reader = begin(7);
  OpenTransaction writer = begin();
  for (int i = 0; i < 300; i += 2) {
    ASSERT_TRUE(engine_.rows->remove(writer, {key_of(i), {}}).ok());
  }
  ASSERT_TRUE(writer.commit().ok());
  fill(1000, 1300, 200);
  EXPECT_EQ(count(reader.state()), 300u);
  OpenTransaction later = begin(8);
  EXPECT_EQ(count(later.state()), 450u);
}

// What a shrunk row had before must fit again, whatever others put on its page meanwhile.
TEST_F(BTreeTest, RollingBackAShrunkRowNeverLacksRoom) {
  fill(0, 7, 500);
  OpenTransaction shrinking = begin(5);
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(engine_.rows->replace(shrinking, key_of(i), row(10)).ok());
  }
  OpenTransaction other = begin(6);
  for (int i = 0; i < 200; ++i) {
    Blob key = key_of(i % 7);
    key.push_back(static_cast<std::byte>(i));
    ASSERT_TRUE(engine_.rows->insert(other, key, row(60)).ok());
  }
  const Status undone = shrinking.rollback();
  ASSERT_TRUE(undone.ok()) << undone.error().what();
  ASSERT_TRUE(other.commit().ok());
  engine_.expect_sound();
}

// A row that an inner level takes back to fewer bytes frees some, and what was there before the
// outer level still has to fit, beside what another transaction shrank on the page.
TEST_F(BTreeTest, RollingBackAnInnerLevelKeepsTheRoomOfTheOuterOne) {
  // How full the page is, down to the last byte.
  for (std::size_t last_row = 400; last_row < 600; last_row += 8) {
    SCOPED_TRACE(last_row);
    TestEngine engine(4096, 64);
    const auto begun = [&](std::uint16_t session) {
      return OpenTransaction(engine.transactions, *engine.log, Procid{session});
    };
    BTree& rows = *engine.rows;
    OpenTransaction filling = begun(4);
    for (const int i : {1, 2, 3, 4, 5, 6})
      ASSERT_TRUE(rows.insert(filling, key_of(i), row(500)).ok());
    ASSERT_TRUE(rows.insert(filling, key_of(7), row(300)).ok());
    ASSERT_TRUE(rows.insert(filling, key_of(8), row(last_row)).ok());
    ASSERT_TRUE(filling.commit().ok());

    OpenTransaction other = begun(5), levels = begun(6), inserting = begun(7);
    ASSERT_TRUE(rows.replace(other, key_of(7), row(100)).ok());
    ASSERT_TRUE(rows.replace(levels, key_of(3), row(10)).ok());
    ASSERT_TRUE(levels.begin_level().ok());
    ASSERT_TRUE(rows.replace(levels, key_of(3), row(300)).ok());
    ASSERT_TRUE(levels.rollback().ok());
    ASSERT_TRUE(levels.rollback().ok());
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(rows.insert(inserting, key_of(100 + i), row(1)).ok());
    const Status undone = other.rollback();
    ASSERT_TRUE(undone.ok()) << undone.error().what();
    ASSERT_TRUE(inserting.commit().ok());
  }
}

// Whoever walks reads copies of leaves; what its own transaction does must show all the same, and
// nothing of what others do.
TEST_F(BTreeTest, AReaderWalksOnWhileItsTransactionChangesTheTree) {
  fill(0, 600, 60);
  std::map<Blob, Blob> seen;
  for (int i = 0; i < 600; ++i) seen[key_of(i)] = row(60);
  OpenTransaction own = begin(7);
  BTreeReader nodes(*engine_.rows, own.state());
  std::mt19937_64 random(5);
  std::optional<Blob> here;  // where the reader stands
  for (int step = 0; step < 6000; ++step) {
    const Blob key = key_of(static_cast<int>(random() % 600));
    const std::size_t what = random() % 60;
    if (what == 0) {
      const bool there = seen.contains(key);
      const Status status =
          there ? engine_.rows->remove(own, {key, {}}) : engine_.rows->insert(own, key, row(90));
      ASSERT_TRUE(status.ok()) << status.error().what();
      there ? (void)seen.erase(key) : (void)seen.emplace(key, row(90));
    } else if (what == 1) {
      OpenTransaction other = begin(8);
      (void)engine_.rows->insert(other, key_of(static_cast<int>(1000 + step)), row(60));
      ASSERT_TRUE(random() % 2 == 0 ? other.commit().ok() : other.rollback().ok());
    } else if (what == 2 || !here) {
      ASSERT_TRUE(nodes.seek({key, {}}).ok());
      const auto found = seen.lower_bound(key);
      here = found == seen.end() ? std::nullopt : std::optional(found->first);
    } else if (step / 500 % 2 == 0) {
      ASSERT_TRUE(nodes.next().ok());
      const auto found = seen.upper_bound(*here);
      here = found == seen.end() ? std::nullopt : std::optional(found->first);
    } else {
      ASSERT_TRUE(nodes.previous().ok());
      const auto found = seen.lower_bound(*here);
      here = found == seen.begin() ? std::nullopt : std::optional(std::prev(found)->first);
    }
    if (what < 2) continue;  // it may stand on what has gone
    ASSERT_EQ(nodes.at_end(), !here) << step;
    if (!here) continue;
    ASSERT_TRUE(std::ranges::equal(nodes.key(), *here)) << step;
    ASSERT_TRUE(std::ranges::equal(nodes.data(), seen.at(*here))) << step;
  }
  ASSERT_TRUE(own.rollback().ok());
  engine_.expect_sound();
}

// A mark that outlives its versions costs every reader a look.
TEST_F(BTreeTest, WalkingTakesMarksOfVersionsAwayThatHaveGone) {
  fill(0, 100, 60);
  clean_up();
  OpenTransaction open = begin(6);
  ASSERT_TRUE(engine_.rows->replace(open, key_of(50), row(60, 1)).ok());
  const auto marks = [&] {
    std::size_t count = 0;
    auto leaf = engine_.rows->fix_leaf(BTree::End::first, LatchMode::shared);
    while (leaf.ok()) {
      const PageView page(leaf.value().bytes());
      for (std::size_t line = 0; line < page.lines(); ++line) {
        count += page.node_flags(line) & kNodeVersion;
      }
      if (page.next() == Pgno::null) break;
      auto next = engine_.rows->fix_linked(page.next(), LatchMode::shared);
      leaf = std::move(next);
    }
    return count;
  };
  ASSERT_EQ(marks(), 100u);
  OpenTransaction reader = begin(7);
  EXPECT_EQ(count(reader.state()), 100u);
  EXPECT_EQ(marks(), 1u);  // that has a version
  ASSERT_TRUE(open.rollback().ok());
  EXPECT_EQ(count(reader.state()), 100u);
}

TEST_F(BTreeTest, PagesOfDeletedRowsComeBack) {
  fill(0, 2000, 100);
  const std::size_t full = pages_in_use();
  OpenTransaction transaction = begin();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(engine_.rows->remove(transaction, {key_of(i), {}}).ok());
  }
  ASSERT_TRUE(transaction.commit().ok());
  clean_up();
  EXPECT_LT(pages_in_use(), full / 4);
  engine_.expect_sound();
  fill(0, 2000, 100);
  OpenTransaction reader = begin();
  EXPECT_EQ(count(reader.state()), 2000u);
  engine_.expect_sound();
}

TEST_F(BTreeTest, ADeletedNodeStaysWhileSomebodySeesIt) {
  fill(0, 3, 100);
  OpenTransaction reader = begin(7);
  OpenTransaction writer = begin();
  ASSERT_TRUE(engine_.rows->remove(writer, {key_of(1), {}}).ok());
  ASSERT_TRUE(writer.commit().ok());
  clean_up();
  OpenTransaction cleaner = begin(8);
  ASSERT_TRUE(engine_.rows->clean_up(cleaner, {key_of(1), {}}).ok());
  EXPECT_EQ(count(reader.state()), 3u);
}

TEST_F(BTreeTest, TreesWithEqualKeysAreOrderedByKeyAndData) {
  TreeId id;
  const auto space = engine_.make_tree(kOther, 1, kPageIndex | kPageNonUnique, id);
  ASSERT_FALSE(id.unique);
  BTree index(*engine_.database, id, *space);
  std::vector<std::pair<Blob, Blob>> expected;
  OpenTransaction transaction = begin();
  std::mt19937_64 random(3);
  for (int i = 0; i < 3000; ++i) {
    const Blob key = blob("key" + std::to_string(10 + random() % 20));
    const Blob data = key_of(i);
    ASSERT_TRUE(index.insert(transaction, key, data).ok());
    expected.emplace_back(key, data);
  }
  const Status again = index.insert(transaction, expected[5].first, expected[5].second);
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(is(again.error(), EseErr::key_duplicate)) << again.error().what();
  std::sort(expected.begin(), expected.end());
  ASSERT_TRUE(index.remove(transaction, {expected[7].first, expected[7].second}).ok());
  expected.erase(expected.begin() + 7);
  BTreeReader nodes(index, transaction.state());
  Status moved = nodes.first();
  for (const auto& [key, data] : expected) {
    ASSERT_TRUE(moved.ok() && !nodes.at_end());
    ASSERT_TRUE(std::ranges::equal(nodes.key(), key) && std::ranges::equal(nodes.data(), data));
    moved = nodes.next();
  }
  EXPECT_TRUE(nodes.at_end());
  ASSERT_TRUE(transaction.commit().ok());
  engine_.expect_sound({id});
}

TEST_F(BTreeTest, RowsOfAllSizesUpToWhatAPageTakesAreSplitIntoPlace) {
  OpenTransaction transaction = begin();
  std::mt19937_64 random(11);
  for (int i = 0; i < 400; ++i) {
    const int number = static_cast<int>(random() % 100000);
    const Status status = engine_.rows->insert(transaction, key_of(number), row(random() % 3900));
    ASSERT_TRUE(status.ok() || is(status.error(), EseErr::key_duplicate)) << status.error().what();
  }
  const Status refused = engine_.rows->insert(transaction, key_of(100001), row(4090));
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is(refused.error(), EseErr::record_too_big)) << refused.error().what();
  ASSERT_TRUE(transaction.commit().ok());
  engine_.expect_sound();
}

// Replaying needs what undoes an uncommitted change that is on disk already.
TEST_F(BTreeTest, UncommittedChangesReachTheFileOnlyWithTheirUndoInLog) {
  fill(0, 5, 100);
  OpenTransaction transaction = begin();
  ASSERT_TRUE(engine_.rows->replace(transaction, key_of(1), row(50)).ok());
  ASSERT_TRUE(engine_.rows->remove(transaction, {key_of(2), {}}).ok());
  ASSERT_TRUE(engine_.cache->write_changed().ok());
  const LogDirectory directory(engine_.files, {.path = "/log"});
  const auto chain = directory.chain();
  ASSERT_TRUE(chain.ok());
  LogReader reader([&](Generation generation,
                       bool last) { return directory.read(chain.value(), generation, last); },
                   Generation{1}, chain.value().newest());
  std::size_t undo_infos = 0;
  for (;;) {
    const auto record = reader.next();
    ASSERT_TRUE(record.ok()) << record.error().what();
    if (!record.value()) break;
    if (record.value()->type() == RecordType::undo_info) ++undo_infos;
  }
  EXPECT_EQ(undo_infos, 2u);
  ASSERT_TRUE(transaction.rollback().ok());
  OpenTransaction later = begin(8);
  EXPECT_EQ(count(later.state()), 5u);
}

}  // namespace
}  // namespace stillframe::ese

#include "writers/ese/engine/tree_space.hpp"

#include <algorithm>
#include <iostream>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/ese/support/test_engine.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::ese {
namespace {

using tests::TestEngine;

constexpr Objid kSpaceTree{20};

// A tree of one page at first, and the space it lives in.
class TreeSpaceTest : public testing::Test {
 protected:
  TreeSpaceTest() : engine_(4096, 64) { space_ = engine_.make_tree(kSpaceTree, 4, 0, id_); }

  Pgno take() {
    auto page = space_->take(transaction_);
    EXPECT_TRUE(page.ok()) << page.error().what();
    return page.ok() ? page.value() : Pgno::null;
  }
  void give_back(Pgno pgno) {
    const Status status = space_->give_back(transaction_, pgno);
    EXPECT_TRUE(status.ok()) << status.error().what();
  }
  Space read() {
    EXPECT_TRUE(engine_.cache->write_changed().ok());
    auto space = read_space(*engine_.store, id_.root, kSpaceTree);
    EXPECT_TRUE(space.ok()) << space.error().what();
    return space.ok() ? std::move(space).value() : Space{};
  }
  static std::uint32_t pages_of(const std::vector<Extent>& extents) {
    std::uint32_t sum = 0;
    for (const Extent& extent : extents) sum += extent.pages;
    return sum;
  }

  TestEngine engine_;
  TreeId id_;
  std::unique_ptr<TreeSpace> space_;
  OpenTransaction transaction_{engine_.transactions, *engine_.log, Procid{5}};
};

TEST_F(TreeSpaceTest, ASmallTreeTakesThePagesBehindItsRoot) {
  const auto root = static_cast<std::uint32_t>(id_.root);
  for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(take(), Pgno{root + i});
  EXPECT_FALSE(read().header.multiple());
  EXPECT_TRUE(read().available.empty());
  give_back(Pgno{root + 2});
  EXPECT_EQ(read().available, (std::vector<Extent>{{Pgno{root + 2}, 1}}));
  EXPECT_EQ(take(), Pgno{root + 2});
}

TEST_F(TreeSpaceTest, ASecondExtentBringsTreesOfExtents) {
  for (int i = 0; i < 4; ++i) take();
  const Space space = read();
  EXPECT_TRUE(space.header.multiple());
  ASSERT_EQ(space.owned.size(), 2u);
  EXPECT_EQ(space.owned[0], (Extent{id_.root, 4}));
  EXPECT_EQ(space.header.owned_root(), space.owned[1].first);
  EXPECT_EQ(pages_of(space.available), space.owned[1].pages - 3);
  engine_.expect_sound({id_});
}

TEST_F(TreeSpaceTest, FreePagesJoinTheirNeighboursWithinOneExtent) {
  std::vector<Pgno> taken;
  for (int i = 0; i < 12; ++i) taken.push_back(take());
  const std::size_t before = read().available.size();
  std::vector<Pgno> run(taken.end() - 5, taken.end());
  for (const std::size_t i : {0, 2, 4, 1, 3}) give_back(run[i]);
  EXPECT_LE(read().available.size(), before);
  engine_.expect_sound({id_});
}

TEST_F(TreeSpaceTest, TheFileGrowsWhenTheDatabaseHasNoPagesLeft) {
  const Pgno before = engine_.store->last_page();
  for (int i = 0; i < 300; ++i) take();
  EXPECT_GE(static_cast<std::uint32_t>(engine_.store->last_page()),
            static_cast<std::uint32_t>(before) + 200);
  engine_.expect_sound({id_});
}

TEST_F(TreeSpaceTest, APageThatItDoesNotOwnIsRefused) {
  for (int i = 0; i < 4; ++i) take();
  EXPECT_FALSE(space_->give_back(transaction_, Pgno{1}).ok());
}

// Enough scattered pages that the trees of extents split, with pages from their split buffers.
TEST_F(TreeSpaceTest, NoPageIsEverGivenOutTwice) {
  const std::uint64_t seed = 1;
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  std::set<Pgno> taken;
  for (std::uint64_t i = 0; i < 4000; ++i) ASSERT_TRUE(taken.insert(take()).second);
  // However few a sanitizer has time for, the trees must split.
  const std::uint64_t steps = std::max<std::uint64_t>(2000, stillframe::tests::scaled(6000));
  std::size_t most_extents = 0;
  for (std::uint64_t i = 0; i < steps && !HasFailure(); ++i) {
    if (i % 2000 == 1999) most_extents = std::max(most_extents, read().available.size());
    // More is given back than taken until many small extents are free; a long run joins them again.
    if (random() % 3 == 0 || taken.size() < 2000) {
      ASSERT_TRUE(taken.insert(take()).second);
    } else {
      auto some = taken.lower_bound(Pgno{static_cast<std::uint32_t>(random() % 4500)});
      if (some == taken.end()) some = taken.begin();
      give_back(*some);
      taken.erase(some);
    }
  }
  const Space space = read();
  EXPECT_GT(most_extents, 300u);
  for (const Extent& extent : space.available) {
    const auto inside = taken.lower_bound(extent.first);
    EXPECT_FALSE(inside != taken.end() && extent.contains(*inside));
  }
  // All that it owns is in use, free, or part of the trees of extents and their buffers.
  const std::uint32_t known = pages_of(space.available) + static_cast<std::uint32_t>(taken.size());
  EXPECT_LE(known, pages_of(space.owned));
  EXPECT_GE(known + 60, pages_of(space.owned));
  engine_.expect_sound({id_});
}

}  // namespace
}  // namespace stillframe::ese

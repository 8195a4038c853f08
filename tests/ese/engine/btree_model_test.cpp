// Threads change one tree at random, under transactions, and every one of them must see at every
// moment what a map in memory says it sees: the state at its begin and its own changes. Small
// caches evict all the time, and afterwards every check of the database is content.
#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/ese/support/replay.hpp"
#include "tests/ese/support/test_engine.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using tests::Blob;
using tests::kCounterOffset;
using tests::replay_log;
using tests::row_of;
using tests::TestEngine;

using Model = std::map<Blob, Blob>;

std::uint32_t counter_of(const Blob& row) {
  return load_le<std::uint32_t>(row.data() + kCounterOffset);
}
void add_to(Blob& row, std::uint32_t delta) {
  store_le(row.data() + kCounterOffset, counter_of(row) + delta);
}

// What is committed, and in which order.
struct Committed {
  std::mutex mutex;
  std::shared_ptr<const Model> model = std::make_shared<Model>();  // shared by who began with it
};

// One change that a transaction made, to be made in the model when it commits.
struct Edit {
  enum class Kind { put, erase, add } kind;
  Blob key, row;
  std::uint32_t delta = 0;

  void apply(Model& model) const {
    if (kind == Kind::put) model[key] = row;
    if (kind == Kind::erase) model.erase(key);
    if (kind == Kind::add) add_to(model[key], delta);
  }
};

class Worker {
 public:
  enum class Ends { commits, commits_and_rollbacks };
  Worker(TestEngine& engine, Committed& committed, Procid session, std::uint64_t seed, Ends ends)
      : engine_(engine), committed_(committed), session_(session), random_(seed), ends_(ends) {}

  void run(std::uint64_t transactions) {
    for (std::uint64_t i = 0; i < transactions && !testing::Test::HasFailure(); ++i) {
      work();
      if (random_() % 4 == 0) clean_up();
    }
  }
  std::uint64_t operations() const { return operations_; }
  std::uint64_t conflicts() const { return conflicts_; }

 private:
  struct Level {
    Model view;
    std::size_t edits = 0;
  };

  void work() {
    std::unique_ptr<OpenTransaction> transaction;
    {
      const std::lock_guard lock(committed_.mutex);
      transaction = std::make_unique<OpenTransaction>(engine_.transactions, *engine_.log, session_);
      view_ = *committed_.model;
    }
    edits_.clear();
    levels_.clear();
    const std::size_t steps = 1 + random_() % 20;
    for (std::size_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) step(*transaction);
    end(*transaction);
  }

  void step(OpenTransaction& transaction) {
    ++operations_;
    switch (random_() % 20) {
      case 0:
        return check_all(transaction);
      case 1:
      case 2:
        return check_range(transaction);
      case 3:
        return begin_level(transaction);
      case 4:
        return end_level(transaction);
      case 5:
      case 6:
        return add(transaction);
      case 7:
      case 8:
      case 9:
      case 10:
        return replace(transaction);
      case 11:
      case 12:
      case 13:
        return remove(transaction);
      default:
        return insert(transaction);
    }
  }

  // Of different lengths, many with long beginnings in common.
  Blob random_key() {
    // Some keys are wanted by all, so that transactions get into each other's way.
    const std::uint64_t number = random_() % 4 == 0 ? random_() % 20 : random_() % 1500;
    std::string text = number % 3 == 0 ? "k" : "a/rather/long/beginning/of/a/key/";
    text += std::to_string(1000 + number);
    if (number % 5 == 0) text += std::string(number % 60, 'x');
    return tests::blob(text);
  }

  Blob random_row() {
    const std::size_t page = engine_.store->page_bytes();
    const std::size_t most = random_() % 10 == 0 ? page / 3 : page / 6;
    Blob bytes(random_() % most);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random_());
    return row_of(static_cast<std::uint32_t>(random_()), bytes, page > 8192);
  }

  // Whether an operation went the way it should; a conflict always may be.
  bool done(const Status& status, bool possible, EseErr otherwise) {
    if (!status.ok() && is(status.error(), EseErr::write_conflict)) {
      ++conflicts_;
      return false;
    }
    if (possible) {
      EXPECT_TRUE(status.ok()) << status.error().what();
    } else {
      EXPECT_FALSE(status.ok());
      if (!status.ok()) {
        EXPECT_TRUE(is(status.error(), otherwise)) << status.error().what();
      }
    }
    return status.ok();
  }

  void note(Edit edit) {
    edit.apply(view_);
    edits_.push_back(std::move(edit));
  }

  void insert(OpenTransaction& transaction) {
    const Blob key = random_key(), row = random_row();
    const Status status = engine_.rows->insert(transaction, key, row);
    if (done(status, !view_.contains(key), EseErr::key_duplicate)) {
      note({Edit::Kind::put, key, row, 0});
    }
  }

  void replace(OpenTransaction& transaction) {
    const Blob key = random_key(), row = random_row();
    const Status status = engine_.rows->replace(transaction, key, row);
    if (done(status, view_.contains(key), EseErr::record_not_found)) {
      note({Edit::Kind::put, key, row, 0});
    }
  }

  void remove(OpenTransaction& transaction) {
    const Blob key = random_key();
    const Status status = engine_.rows->remove(transaction, {key, {}});
    if (done(status, view_.contains(key), EseErr::record_not_found)) {
      note({Edit::Kind::erase, key, {}, 0});
    }
  }

  void add(OpenTransaction& transaction) {
    const Blob key = random_key();
    const auto delta = static_cast<std::uint32_t>(random_() % 1000);
    const Status status = engine_.rows->add(transaction, key, kCounterOffset, delta);
    if (done(status, view_.contains(key), EseErr::record_not_found)) {
      note({Edit::Kind::add, key, {}, delta});
    }
  }

  void check_all(OpenTransaction& transaction) {
    BTreeReader reader(*engine_.rows, transaction.state());
    Status moved = reader.first();
    auto expected = view_.begin();
    for (; moved.ok() && !reader.at_end() && expected != view_.end(); ++expected) {
      if (!same(reader, *expected)) return;
      moved = reader.next();
    }
    ASSERT_TRUE(moved.ok()) << moved.error().what();
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(expected, view_.end());
  }

  // From some key on for a few steps, forwards or backwards.
  void check_range(OpenTransaction& transaction) {
    const Blob from = random_key();
    BTreeReader reader(*engine_.rows, transaction.state());
    Status moved = reader.seek({from, {}});
    auto expected = view_.lower_bound(from);
    const bool backwards = random_() % 2 == 0;
    for (int i = 0; i < 30 && moved.ok(); ++i) {
      if (expected == view_.end()) {
        EXPECT_TRUE(reader.at_end());
        return;
      }
      ASSERT_FALSE(reader.at_end());
      if (!same(reader, *expected)) return;
      if (backwards && expected == view_.begin()) {
        moved = reader.previous();
        ASSERT_TRUE(moved.ok()) << moved.error().what();
        EXPECT_TRUE(reader.at_end());
        return;
      }
      expected = backwards ? std::prev(expected) : std::next(expected);
      moved = backwards ? reader.previous() : reader.next();
    }
    ASSERT_TRUE(moved.ok()) << moved.error().what();
  }

  static bool same(const BTreeReader& reader, const Model::value_type& expected) {
    const bool equal = compare_bytes(reader.key(), expected.first) == 0 &&
                       compare_bytes(reader.data(), expected.second) == 0;
    EXPECT_TRUE(equal) << "key "
                       << std::string(reinterpret_cast<const char*>(reader.key().data()),
                                      reader.key().size())
                       << " where the model has "
                       << std::string(reinterpret_cast<const char*>(expected.first.data()),
                                      expected.first.size());
    return equal;
  }

  void begin_level(OpenTransaction& transaction) {
    if (transaction.level() == kTransactionLevelsMax) return;
    ASSERT_TRUE(transaction.begin_level().ok());
    levels_.push_back({view_, edits_.size()});
  }

  void end_level(OpenTransaction& transaction) {
    if (levels_.empty()) return;
    if (ends_ == Ends::commits || random_() % 2 == 0) {
      const Status status = transaction.commit();
      ASSERT_TRUE(status.ok()) << status.error().what();
    } else {
      const Status status = transaction.rollback();
      ASSERT_TRUE(status.ok()) << status.error().what();
      view_ = std::move(levels_.back().view);
      undone_.insert(undone_.end(),
                     edits_.begin() + static_cast<std::ptrdiff_t>(levels_.back().edits),
                     edits_.end());
      edits_.resize(levels_.back().edits);
    }
    levels_.pop_back();
  }

  void end(OpenTransaction& transaction) {
    if (testing::Test::HasFailure()) return;
    while (!levels_.empty()) end_level(transaction);
    if (ends_ != Ends::commits && random_() % 4 == 0) {
      const Status status = transaction.rollback();
      ASSERT_TRUE(status.ok()) << status.error().what();
      undone_.insert(undone_.end(), edits_.begin(), edits_.end());
      return;
    }
    const std::lock_guard lock(committed_.mutex);
    const Status status = transaction.commit(CommitMode::lazy);
    ASSERT_TRUE(status.ok()) << status.error().what();
    auto next = std::make_shared<Model>(*committed_.model);
    for (const Edit& edit : edits_) edit.apply(*next);
    committed_.model = std::move(next);
  }

  // What nobody can see any more goes for good.
  void clean_up() {
    OpenTransaction transaction(engine_.transactions, *engine_.log, session_);
    for (const auto& settled : engine_.versions.purge(engine_.transactions.oldest_needed(), 1000)) {
      const Status status = engine_.rows->clean_up(transaction, {settled.bookmark, {}});
      ASSERT_TRUE(status.ok()) << status.error().what();
    }
    for (const Edit& edit : std::exchange(undone_, {})) {
      const Status status = engine_.rows->clean_up(transaction, {edit.key, {}});
      ASSERT_TRUE(status.ok()) << status.error().what();
    }
    ASSERT_TRUE(transaction.commit(CommitMode::lazy).ok());
  }

  TestEngine& engine_;
  Committed& committed_;
  const Procid session_;
  std::mt19937_64 random_;
  const Ends ends_;
  Model view_;
  std::vector<Edit> edits_, undone_;
  std::vector<Level> levels_;
  std::uint64_t operations_ = 0, conflicts_ = 0;
};

class BTreeModel : public testing::TestWithParam<std::size_t> {};

std::string bytes_of(const testing::TestParamInfo<std::size_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, BTreeModel, testing::Values(2048, 4096, 8192, 16384, 32768),
                         bytes_of);

// Without the marks of versions, which mean nothing but in the process that made them.
std::vector<LooseNode> unmarked_nodes(const PageView& page) {
  std::vector<LooseNode> nodes = take_nodes(page);
  for (LooseNode& node : nodes) node.flags &= static_cast<std::uint8_t>(~kNodeVersion);
  return nodes;
}

// A log that makes something else of its pages than the engine has would be no use to recovery.
void expect_log_makes_the_same_pages(TestEngine& engine) {
  const auto pages = replay_log(engine.files, {.path = "/log"}, engine.store->page_bytes());
  ASSERT_TRUE(pages.ok()) << pages.error().what();
  for (const auto& [pgno, bytes] : pages.value()) {
    std::vector<std::byte> written(bytes.size());
    ASSERT_TRUE(engine.store->read_pages(pgno, written).ok());
    const PageView page(written), replayed(bytes);
    ASSERT_EQ(page.dbtime(), replayed.dbtime()) << static_cast<std::uint32_t>(pgno);
    EXPECT_EQ(page.flags(), replayed.flags());
    EXPECT_EQ(page.previous(), replayed.previous());
    EXPECT_EQ(page.next(), replayed.next());
    EXPECT_TRUE(std::ranges::equal(page.external_header(), replayed.external_header()));
    EXPECT_EQ(unmarked_nodes(page), unmarked_nodes(replayed)) << static_cast<std::uint32_t>(pgno);
  }
}

void run_against_model(std::size_t page_bytes, std::size_t threads, std::uint64_t seed,
                       std::uint64_t transactions, Worker::Ends ends) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  TestEngine engine(page_bytes, 8 + threads * 8);
  Committed committed;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.push_back(std::make_unique<Worker>(
        engine, committed, Procid{static_cast<std::uint16_t>(10 + t)}, seed * 100 + t, ends));
  }
  std::vector<std::thread> running;
  for (auto& worker : workers) running.emplace_back([&] { worker->run(transactions); });
  for (std::thread& thread : running) thread.join();
  if (testing::Test::HasFailure()) return;
  engine.expect_sound();
  if (ends == Worker::Ends::commits) expect_log_makes_the_same_pages(engine);
  std::uint64_t operations = 0, conflicts = 0;
  for (const auto& worker : workers) {
    operations += worker->operations();
    conflicts += worker->conflicts();
  }
  const PageCacheStats stats = engine.cache->stats();
  std::cout << "seed " << seed << ", " << page_bytes << " bytes: " << operations << " operations, "
            << conflicts << " conflicts, " << committed.model->size() << " rows, "
            << stats.evictions << " evictions\n";
}

void run_seeds(std::size_t page_bytes, std::size_t threads, std::uint64_t first,
               Worker::Ends ends = Worker::Ends::commits_and_rollbacks) {
  for (std::uint64_t seed = first; seed < first + stillframe::tests::scaled(2); ++seed) {
    run_against_model(page_bytes, threads, seed, threads == 1 ? 250 : 100, ends);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_P(BTreeModel, OneThreadSeesWhatTheModelSees) {
  run_seeds(GetParam(), 1, 1);
}

TEST_P(BTreeModel, ManyThreadsSeeWhatTheModelSees) {
  run_seeds(GetParam(), 4, 100001);
}

TEST_P(BTreeModel, ItsLogMakesTheSamePages) {
  run_seeds(GetParam(), 4, 200001, Worker::Ends::commits);
}

}  // namespace
}  // namespace stillframe::ese

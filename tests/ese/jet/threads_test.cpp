// Sessions in threads of their own: each transaction counts once, and ending meets running calls.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::ese::tests {
namespace {

using JetThreads = JetApplication;

// Adds one to a number under a lock of the row, again after every conflict.
void add_often(JET_SESID session, JET_TABLEID table, const RowColumns& columns, int times) {
  for (int done = 0; done < times;) {
    ASSERT_JET(JetBeginTransaction(session));
    std::int32_t id = 1;
    ASSERT_JET(JetMakeKey(session, table, &id, sizeof id, JET_bitNewKey));
    ASSERT_JET(JetSeek(session, table, JET_bitSeekEQ));
    JET_ERR err = JetPrepareUpdate(session, table, JET_prepReplace);
    if (err == JET_errSuccess) {
      std::int64_t number = 0;
      ASSERT_JET(JetRetrieveColumn(session, table, columns.number, &number, sizeof number, nullptr,
                                   0, nullptr));
      ++number;
      ASSERT_JET(JetSetColumn(session, table, columns.number, &number, sizeof number, 0, nullptr));
      err = JetUpdate(session, table, nullptr, 0, nullptr);
    }
    if (err == JET_errSuccess) {
      ASSERT_JET(JetCommitTransaction(session, JET_bitCommitLazyFlush));
      ++done;
      continue;
    }
    ASSERT_EQ(err, JET_errWriteConflict);
    ASSERT_JET(JetRollback(session, 0));
    std::this_thread::yield();
  }
}

TEST_F(JetThreads, EverySessionsAdditionsCount) {
  insert(1, 0, "a");
  constexpr int kThreads = 4;
  const int times = static_cast<int>(stillframe::tests::scaled(50));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    const JET_SESID session = new_session();
    const JET_TABLEID table = open_rows(session);
    threads.emplace_back([=, this] { add_often(session, table, columns_, times); });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t number = 0;
  ASSERT_JET(seek_id(rows_, 1));
  ASSERT_JET(JetRetrieveColumn(session_, rows_, columns_.number, &number, sizeof number, nullptr, 0,
                               nullptr));
  EXPECT_EQ(number, std::int64_t{kThreads} * times);
}

TEST_F(JetThreads, SessionsFillOneTableTogether) {
  constexpr int kThreads = 4;
  const int each = static_cast<int>(stillframe::tests::scaled(200));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    const JET_SESID session = new_session();
    const JET_TABLEID table = open_rows(session);
    threads.emplace_back([=, this] {
      ASSERT_JET(JetBeginTransaction(session));
      for (int i = 0; i < each; ++i) {
        const std::int32_t id = i * kThreads + t;
        ASSERT_JET(try_insert(session, table, columns_, id, -id, "name"));
      }
      ASSERT_JET(JetCommitTransaction(session, 0));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto ids = all_ids(rows_);
  ASSERT_EQ(ids.size(), static_cast<std::size_t>(kThreads * each));
  EXPECT_EQ(ids.back(), kThreads * each - 1);
}

TEST_F(JetThreads, OneSessionIsUsedByOneThreadAtATime) {
  insert(1, 1, "a");
  std::atomic<int> odd{0};
  const auto move = [&] {
    for (int i = 0; i < 200; ++i) {
      const JET_ERR moved = JetMove(session_, rows_, JET_MoveFirst, 0);
      if (moved != JET_errSuccess && moved != JET_errSessionSharingViolation) ++odd;
    }
  };
  std::thread first(move), second(move);
  first.join();
  second.join();
  EXPECT_EQ(odd, 0);
  EXPECT_EQ(id_at(rows_), 1);
}

TEST_F(JetThreads, AnEndWaitsForCallsInsideAndRefusesThoseAfter) {
  insert(1, 1, "a");
  std::atomic<bool> moving{false};
  std::atomic<JET_ERR> last{JET_errSuccess};
  std::thread mover([&] {
    JET_ERR moved = JET_errSuccess;
    while (moved == JET_errSuccess) {
      moved = JetMove(session_, rows_, JET_MoveFirst, 0);
      moving = true;
    }
    last = moved;
  });
  while (!moving) std::this_thread::yield();
  ASSERT_JET(JetTerm(instance_));
  instance_ = JET_instanceNil;
  mover.join();
  const JET_ERR allowed[] = {JET_errTermInProgress, JET_errInvalidSesid, JET_errNotInitialized,
                             JET_errInvalidTableId};
  EXPECT_NE(std::find(std::begin(allowed), std::end(allowed), last.load()), std::end(allowed))
      << last.load();
}

TEST_F(JetThreads, OfManyWhoBeginOrEndOneInstanceOneSucceeds) {
  JetFolder folder;
  JET_INSTANCE other = small_instance(folder, "other");
  std::atomic<int> begun{0}, ended{0}, odd{0};
  const auto many = [](const auto& call) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(call);
    for (std::thread& thread : threads) thread.join();
  };
  many([&] {
    JET_INSTANCE mine = other;
    const JET_ERR done = JetInit(&mine);
    if (done == JET_errSuccess) {
      ++begun;
    } else if (done != JET_errInitInProgress && done != JET_errAlreadyInitialized) {
      ++odd;
    }
  });
  EXPECT_EQ(begun, 1);
  many([&] {
    const JET_ERR done = JetTerm(other);
    if (done == JET_errSuccess) {
      ++ended;
    } else if (done != JET_errTermInProgress && done != JET_errInvalidParameter) {
      ++odd;
    }
  });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(odd, 0);
}

}  // namespace
}  // namespace stillframe::ese::tests

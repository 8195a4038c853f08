#include "framework/coordinator/machine/turn_queue.hpp"

#include <gtest/gtest.h>

namespace stillframe::machine {
namespace {

SessionId id(std::uint8_t n) {
  UuidBytes bytes{};
  bytes[0] = n;
  return SessionId(bytes);
}

BootTime at(int seconds) {
  return BootTime(std::chrono::seconds(seconds));
}

using Keys = std::vector<TurnKey>;
using Ids = std::vector<SessionId>;
using Answer = TurnQueue::Answer;

TEST(TurnQueue, DisjointSessionsRunSideBySide) {
  TurnQueue queue;
  EXPECT_EQ(queue.request(id(1), Keys{1, 2}, at(9)), Answer::granted);
  EXPECT_EQ(queue.request(id(2), Keys{3}, at(9)), Answer::granted);
  EXPECT_TRUE(queue.holds(id(2)));
}

TEST(TurnQueue, WaitingSessionIsToldWhoHoldsTheTurn) {
  TurnQueue queue;
  EXPECT_EQ(queue.request(id(1), Keys{1}, at(9)), Answer::granted);
  EXPECT_EQ(queue.request(id(2), Keys{2, 1}, at(9)), Answer::waits);
  EXPECT_EQ(queue.holder_for(id(2)), id(1));
  Ids granted;
  queue.release(id(1), granted);
  EXPECT_EQ(granted, Ids{id(2)});
  EXPECT_EQ(queue.holder_for(id(2)), std::nullopt);
}

TEST(TurnQueue, SmallSetsDoNotOvertakeALargeOneThatWaits) {
  TurnQueue queue;
  EXPECT_EQ(queue.request(id(1), Keys{1}, at(9)), Answer::granted);
  EXPECT_EQ(queue.request(id(2), Keys{1, 2}, at(9)), Answer::waits);
  EXPECT_EQ(queue.request(id(3), Keys{2}, at(9)), Answer::waits);
  EXPECT_EQ(queue.holder_for(id(3)), id(2));
  Ids granted;
  queue.release(id(1), granted);
  EXPECT_EQ(granted, Ids{id(2)});
}

TEST(TurnQueue, WaitEndsAtItsLimitAndLetsOthersIn) {
  TurnQueue queue;
  ASSERT_EQ(queue.request(id(1), Keys{1}, at(9)), Answer::granted);
  ASSERT_EQ(queue.request(id(2), Keys{1, 2}, at(5)), Answer::waits);
  ASSERT_EQ(queue.request(id(3), Keys{2}, at(9)), Answer::waits);
  EXPECT_EQ(queue.next_expiry(), at(5));
  Ids expired, granted;
  queue.expire(at(5), expired, granted);
  EXPECT_EQ(expired, Ids{id(2)});
  EXPECT_EQ(granted, Ids{id(3)});
  queue.expire(at(100), expired, granted);  // those who have their turn keep it
  EXPECT_TRUE(queue.holds(id(1)));
  EXPECT_EQ(queue.next_expiry(), std::nullopt);
}

TEST(TurnQueue, IsBounded) {
  TurnQueue queue;
  for (std::size_t i = 0; i < kTurnsMax; ++i) {
    UuidBytes bytes{};
    bytes[0] = static_cast<std::uint8_t>(i & 0xff);
    bytes[1] = static_cast<std::uint8_t>(i >> 8);
    queue.request(SessionId(bytes), Keys{1}, at(9));
  }
  EXPECT_EQ(queue.request(id(1), Keys{2}, at(9)), Answer::refused);
}

TEST(TurnQueue, ReleaseOfAStrangerIsHarmless) {
  TurnQueue queue;
  Ids granted;
  queue.release(id(1), granted);
  EXPECT_TRUE(granted.empty());
}

}  // namespace
}  // namespace stillframe::machine

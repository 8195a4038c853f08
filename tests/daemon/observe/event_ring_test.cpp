#include "framework/daemon/observe/event_ring.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

EventRecord event(const std::string& message) {
  EventRecord record;
  record.message = message;
  return record;
}

TEST(EventRing, NumbersBeginAtOneAndHaveNoGaps) {
  EventRing ring({});
  EXPECT_EQ(ring.append(event("a")), 1u);
  EXPECT_EQ(ring.append(event("b")), 2u);
  const auto page = ring.after(0, 10);
  ASSERT_EQ(page.events.size(), 2u);
  EXPECT_EQ(page.events[0]->sequence, 1u);
  EXPECT_EQ(page.events[1]->record.message, "b");
  EXPECT_EQ(page.lost, 0u);
  EXPECT_EQ(page.next, 2u);
}

TEST(EventRing, TheOldestMakeRoomAndTheirNumberIsTold) {
  EventRing ring({3, 1 << 20});
  for (int i = 1; i <= 10; ++i) ring.append(event(std::to_string(i)));
  const auto page = ring.after(2, 10);
  ASSERT_EQ(page.events.size(), 3u);
  EXPECT_EQ(page.events[0]->sequence, 8u);
  EXPECT_EQ(page.lost, 5u) << "3 to 7 are gone";
  EXPECT_EQ(ring.after(7, 10).lost, 0u);
}

TEST(EventRing, BytesAreBoundedTooAndTheLatestStaysHoweverLargeItIs) {
  EventRing ring({1000, 8'000});
  for (int i = 0; i < 100; ++i) ring.append(event(std::string(1'000, 'x')));
  EXPECT_LE(ring.after(0, 1000).events.size(), 8u);
  EXPECT_GE(ring.after(0, 1000).events.size(), 5u);
  ring.append(event(std::string(50'000, 'y')));
  ASSERT_EQ(ring.after(0, 1000).events.size(), 1u);
  EXPECT_EQ(ring.after(0, 1000).events[0]->sequence, 101u);
}

TEST(EventRing, PagesGoOnWhereTheLastOneEnded) {
  EventRing ring({});
  for (int i = 1; i <= 5; ++i) ring.append(event(std::to_string(i)));
  auto page = ring.after(0, 2);
  EXPECT_EQ(page.next, 2u);
  page = ring.after(page.next, 2);
  EXPECT_EQ(page.events[0]->sequence, 3u);
  page = ring.after(page.next, 2);
  ASSERT_EQ(page.events.size(), 1u);
  EXPECT_EQ(page.next, 5u);
  EXPECT_TRUE(ring.after(5, 2).events.empty());
}

// Who asks with a number of an earlier run must not wait until this one reaches it.
TEST(EventRing, APlaceBeyondTheEndIsLeftAsItIs) {
  EventRing ring({});
  ring.append(event("a"));
  const auto page = ring.after(500, 2);
  EXPECT_TRUE(page.events.empty());
  EXPECT_EQ(page.next, 500u);
}

TEST(EventRing, AWaitEndsWithTheEventThatWasWaitedFor) {
  EventRing ring({});
  std::jthread later([&] { ring.append(event("a")); });
  ring.wait(std::chrono::seconds(30), [](std::uint64_t last) { return last > 0; });
  EXPECT_EQ(ring.last(), 1u);
}

}  // namespace
}  // namespace stillframe::daemon

#include <fcntl.h>
#include <gtest/gtest.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/time.hpp>

namespace stillframe {
namespace {

TEST(SystemClock, BootTimeNeverGoesBackAndWallTimeIsOfThisCentury) {
  const Clock& clock = system_clock();
  BootTime last = clock.now();
  EXPECT_GT(last.since_boot().count(), 0);
  for (int i = 0; i < 1000; ++i) {
    const BootTime now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.wall_now().since_epoch(), std::chrono::hours(24 * 365 * 50));
}

TEST(Deadline, HasPassedFromItsMomentOn) {
  const Deadline deadline(BootTime(std::chrono::seconds(5)));
  EXPECT_FALSE(deadline.passed(BootTime(std::chrono::seconds(5) - Duration(1))));
  EXPECT_TRUE(deadline.passed(BootTime(std::chrono::seconds(5))));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Descriptor, ClosesOnceAndMovesWithoutLeaving) {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  {
    Descriptor first(fd);
    Descriptor second(std::move(first));
    EXPECT_FALSE(first.valid());
    EXPECT_EQ(second.get(), fd);
    EXPECT_TRUE(is_open(fd));
    Descriptor third;
    third = std::move(second);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

}  // namespace
}  // namespace stillframe

// The dead-man promise: kill or stop any one of client, holder and keeper at any step, and the file
// system accepts writes within the lease and one second, counted from the return of FIFREEZE if one
// was under way.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/providers/guard/guard_fixture.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Who { holder, keeper, client };
enum class Step { before_freeze, in_fifreeze, frozen, thawing };

struct Cell {
  Who who;
  int signal;
  Step step;
  FsKind fs;
  int lease_ms;
};

std::string name_of(const Cell& cell) {
  static constexpr const char* kWho[] = {"Holder", "Keeper", "Client"};
  static constexpr const char* kStep[] = {"BeforeFreeze", "InFifreeze", "Frozen", "Thawing"};
  return std::string(kWho[static_cast<int>(cell.who)]) +
         (cell.signal == SIGKILL ? "Killed" : "Stopped") + kStep[static_cast<int>(cell.step)] +
         (cell.fs == FsKind::ext4 ? "Ext4" : "Xfs") + "Lease" + std::to_string(cell.lease_ms);
}

struct ThawAtEnd {
  std::string mount_point;
  ~ThawAtEnd() { (void)thaw_now(mount_point); }
};

struct ContinueAtEnd {
  const PidFd& process;
  ~ContinueAtEnd() {
    process.send(SIGCONT);
    process.send(SIGKILL);
  }
};

// FIFREEZE writes dirty pages in many short waits; it is over when none comes any more.
std::int64_t when_fifreeze_ended(pid_t holder, const PidFd& holder_end) {
  std::int64_t quiet_since = boot_now_ns();
  (void)eventually(seconds(60), [&] {
    if (holder_end.ended()) return true;
    if (in_uninterruptible_call(holder)) quiet_since = boot_now_ns();
    return boot_now_ns() - quiet_since > 30'000'000;
  });
  return holder_end.ended() ? boot_now_ns() : quiet_since;
}

class GuardKill : public testing::TestWithParam<Cell> {
 protected:
  static void TearDownTestSuite() {
    for (int slot : {0, 1}) file_systems()[slot].reset();
  }

  // One of each kind for the whole suite: making one takes longer than a cell.
  static std::unique_ptr<LoopFs>* file_systems() {
    static std::unique_ptr<LoopFs> made[2];
    return made;
  }
  static LoopFs* file_system(FsKind kind, std::string& reason) {
    auto& slot = file_systems()[kind == FsKind::ext4 ? 0 : 1];
    LoopFsOptions options;
    options.image_bytes = std::uint64_t{1} << 30;
    if (!slot) slot = LoopFs::make(kind, reason, options);
    return slot.get();
  }
};

TEST_P(GuardKill, WritesGoOnWithinTheLeaseAndOneSecond) {
  const Cell& cell = GetParam();
  std::string reason;
  LoopFs* fs = file_system(cell.fs, reason);
  if (fs == nullptr) GTEST_SKIP() << reason;

  const std::string record_directory = fs->scratch() + "/held";
  if (cell.step == Step::in_fifreeze) {
    make_dirty(fs->mount_point(), std::uint64_t{512} << 20);
  } else {
    sync_now(fs->mount_point());  // what an earlier cell left would slow the judge down
  }
  JudgeWriter writer(fs->mount_point());
  const ThawAtEnd thaw_at_end{fs->mount_point()};
  ASSERT_TRUE(eventually(seconds(30), [&] { return writer.last_began() != 0; }));

  Driver driver(cell.lease_ms, 30'000, record_directory, {fs->mount_point()});
  int holder = 0, keeper = 0;
  const std::string ready = driver.read_line();
  ASSERT_EQ(std::sscanf(ready.c_str(), "ready %d %d", &holder, &keeper), 2) << ready;
  const PidFd holder_end(holder), keeper_end(keeper), client_end(driver.pid());
  const PidFd& victim = cell.who == Who::holder   ? holder_end
                        : cell.who == Who::keeper ? keeper_end
                                                  : client_end;
  const ContinueAtEnd continue_at_end{victim};

  if (cell.step != Step::before_freeze) {
    driver.say("freeze");
    ASSERT_EQ(driver.read_line(), "freezing");
  }
  if (cell.step == Step::in_fifreeze) {
    ASSERT_TRUE(eventually(seconds(5), [&] { return in_uninterruptible_call(holder); }));
  } else if (cell.step == Step::frozen || cell.step == Step::thawing) {
    ASSERT_EQ(driver.read_line(), "frozen");
  }
  if (cell.step == Step::thawing) driver.say("thaw");

  std::int64_t from = boot_now_ns();
  victim.send(cell.signal);
  if (cell.step == Step::in_fifreeze) from = when_fifreeze_ended(holder, holder_end);

  const milliseconds promised(cell.lease_ms + 1000);
  EXPECT_TRUE(eventually(promised, [&] { return writer.last_began() >= from; }))
      << "the file system was held for longer than " << promised.count() << " ms";
  const double first_write_ms = static_cast<double>(boot_now_ns() - from) / 1e6;

  // A client that lives is told what became of its freeze and goes away; then the guards must be
  // gone, and whatever they were doing must be over.
  if (cell.step == Step::before_freeze && cell.who != Who::client) {
    ASSERT_TRUE(eventually(promised, [&] { return holder_end.ended() && keeper_end.ended(); }));
    driver.say("freeze");
    ASSERT_EQ(driver.read_line(), "freezing");
    EXPECT_EQ(driver.read_line().substr(0, 5), "error");
  }
  if (cell.who == Who::client && cell.step == Step::before_freeze && cell.signal == SIGSTOP) {
    client_end.send(SIGKILL);  // an idle pair waits for its client for as long as that exists
  }
  // Held or not, a stopped guard goes away with its client.
  if (cell.who != Who::client) driver.finish();
  EXPECT_TRUE(
      eventually(promised + seconds(2), [&] { return holder_end.ended() && keeper_end.ended(); }));
  const std::int64_t after = boot_now_ns();
  EXPECT_TRUE(eventually(seconds(1), [&] { return writer.last_began() >= after; }));
  EXPECT_FALSE(writer.failed());
  EXPECT_EQ(thaw_now(fs->mount_point()), 0) << "it was still frozen";
  EXPECT_EQ(entries_in(record_directory), 0u);
  std::printf("%s: writes went on after %.0f ms\n", name_of(cell).c_str(), first_write_ms);
}

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (const Who who : {Who::holder, Who::keeper, Who::client}) {
    for (const int signal : {SIGKILL, SIGSTOP}) {
      for (const Step step :
           {Step::before_freeze, Step::in_fifreeze, Step::frozen, Step::thawing}) {
        all.push_back({who, signal, step, FsKind::ext4, 200});
      }
      all.push_back({who, signal, Step::in_fifreeze, FsKind::xfs, 200});
      all.push_back({who, signal, Step::frozen, FsKind::xfs, 200});
    }
  }
  // The lease as it is shipped.
  all.push_back({Who::client, SIGSTOP, Step::frozen, FsKind::ext4, 5000});
  all.push_back({Who::holder, SIGSTOP, Step::frozen, FsKind::ext4, 5000});
  all.push_back({Who::keeper, SIGKILL, Step::in_fifreeze, FsKind::ext4, 5000});
  return all;
}

INSTANTIATE_TEST_SUITE_P(EachStep, GuardKill, testing::ValuesIn(cells()),
                         [](const auto& cell) { return name_of(cell.param); });

}  // namespace
}  // namespace stillframe::tests

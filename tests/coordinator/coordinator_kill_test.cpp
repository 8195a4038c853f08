// The whole coordinator is killed at a step of a backup; the next one finds nothing held, deletes
// what nobody owns and lists what was to stay.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;

class CoordinatorKillTest : public CoordinatorFixture {
 protected:
  struct Child {
    pid_t pid = -1;
    int pipe = -1;
  };

  // A coordinator in a process of its own that takes a backup and stops for ever at `step`: a
  // provider's step, or "done" once the set is there. It says 'r' when it listens, 's' when it
  // stands at the step.
  Child run_until(const std::string& step, bool persistent) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = ::fork();
    if (pid != 0) {
      ::close(ends[1]);
      return {pid, ends[0]};
    }
    const auto stop_here = [out = ends[1]] {
      if (::write(out, "s", 1) != 1) ::_exit(2);
      for (;;) ::pause();
    };
    add_provider({}, [&](const std::string& now) -> Status {
      if (now == step) stop_here();
      return Ok{};
    });
    start();
    if (!coordinator_ || ::write(ends[1], "r", 1) != 1) ::_exit(3);
    if (!coordinator_->wait_writers(1, std::chrono::seconds(30)).ok()) ::_exit(4);
    Client requestor = client();
    auto session = prepared(requestor);
    if (!session.ok()) ::_exit(5);
    SnapshotOptions options;
    options.attributes.persistent = persistent;
    options.auto_release = !persistent;
    if (!session.value().create_snapshots(options).ok()) ::_exit(6);
    if (step == "done") stop_here();
    ::_exit(7);
  }

  static bool wait_for(const Child& child, char wanted) {
    char said = 0;
    while (::read(child.pipe, &said, 1) == 1)
      if (said == wanted) return true;
    return false;
  }

  void kill_at(const std::string& step, bool persistent, std::size_t left) {
    SCOPED_TRACE(step);
    const Child child = run_until(step, persistent);
    ASSERT_TRUE(wait_for(child, 'r'));
    ScriptedWriterOptions options;
    options.directory = directory_.path() + "/one";
    ScriptedWriter writer(options);
    WriterHostOptions host_options;
    host_options.socket_dir = options_.socket_dir;
    host_options.lease = std::chrono::milliseconds(2000);
    auto host = WriterHost::start(writer, host_options);
    ASSERT_TRUE(host.ok()) << error_of(host);
    ASSERT_TRUE(wait_for(child, 's'));
    ::kill(child.pid, SIGKILL);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    ::close(child.pipe);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(writer.wait_thawed());
    host.value().reset();

    add_provider();
    start();
    EXPECT_EQ(providers_.back()->snapshots_on_disk(), left);
    Client requestor = client();
    auto listed = requestor.snapshots();
    ASSERT_TRUE(listed.ok()) << error_of(listed);
    EXPECT_EQ(listed.value().size(), left);
    for (const auto& snapshot : listed.value()) EXPECT_EQ(snapshot.reason_unusable, "");
    stop();
    providers_.clear();
  }
};

TEST_F(CoordinatorKillTest, NothingStaysHeldAndNoOrphanStaysWhateverStepItDiesAt) {
  make_volume("one");
  options_.socket_dir = directory_.path() + "/socket";
  for (const char* step : {"begin_prepare", "end_prepare", "pre_commit", "commit", "post_commit",
                           "pre_final", "post_final", "done"})
    kill_at(step, false, 0);
}

TEST_F(CoordinatorKillTest, APersistentSetIsKeptOnceItIsWholeAndNotBefore) {
  make_volume("one");
  options_.socket_dir = directory_.path() + "/socket";
  kill_at("post_final", true, 0);
  kill_at("done", true, 1);
}

}  // namespace
}  // namespace stillframe

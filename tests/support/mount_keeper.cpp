#include "tests/support/mount_keeper.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace stillframe::tests {

MountKeeper::MountKeeper() {
  int hold[2], ready[2];
  if (pipe2(hold, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) return;
  const char* arguments[] = {"unshare", "--mount", "--propagation",     "private",
                             "sh",      "-c",      "echo in; read end", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, hold[0], 0);
  posix_spawn_file_actions_adddup2(&actions, ready[1], 1);
  pid_t child = -1;
  const int failed =
      posix_spawnp(&child, arguments[0], &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(hold[0]);
  close(ready[1]);
  char in = 0;
  const bool said = failed == 0 && read(ready[0], &in, 1) == 1;
  close(ready[0]);
  hold_ = hold[1];
  if (said) {
    child_ = child;
  } else if (failed == 0) {
    waitpid(child, nullptr, 0);
  }
}

MountKeeper::~MountKeeper() {
  if (hold_ >= 0) close(hold_);
  if (child_ > 0) waitpid(child_, nullptr, 0);
}

}  // namespace stillframe::tests

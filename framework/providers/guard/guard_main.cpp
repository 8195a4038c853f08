// stillframe-guard: the two tiny processes that hold a file system frozen, and the command that
// thaws what a pair killed together left behind.
//
//   stillframe-guard pair --shared FD --keeper-bell FD --holder-bell FD --client PID
//                         --record-dir DIR [--never PATH]... --target FD...
//   stillframe-guard thaw [DIR]
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/providers/guard/guard_help.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/providers/guard/isolation.hpp"
#include "framework/providers/guard/party.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::guard;

struct PairArguments {
  int shared = -1, keeper_bell = -1, holder_bell = -1;
  int client = 0;
  std::string record_directory = kDefaultRecordDirectory;
  std::vector<std::string> never;
  std::vector<int> targets;
};

bool parse(int argc, char** argv, PairArguments& out) {
  if (argc % 2 != 0) return false;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--shared") {
      out.shared = std::atoi(value);
    } else if (name == "--keeper-bell") {
      out.keeper_bell = std::atoi(value);
    } else if (name == "--holder-bell") {
      out.holder_bell = std::atoi(value);
    } else if (name == "--client") {
      out.client = std::atoi(value);
    } else if (name == "--record-dir") {
      out.record_directory = value;
    } else if (name == "--never") {
      out.never.push_back(value);
    } else if (name == "--target") {
      out.targets.push_back(std::atoi(value));
    } else {
      return false;
    }
  }
  return out.shared > 2 && out.keeper_bell > 2 && out.holder_bell > 2 && !out.targets.empty() &&
         out.targets.size() <= kTargetsMax;
}

// Nothing of the client's but what it passed on purpose: not its sockets, nor its terminal.
void keep_only(std::vector<int> kept) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int standard = 0; standard <= 2; ++standard) ::dup2(null, standard);
  kept.insert(kept.end(), {0, 1, 2});
  std::sort(kept.begin(), kept.end());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const unsigned last = i + 1 < kept.size() ? static_cast<unsigned>(kept[i + 1]) : ~0u;
    const auto first = static_cast<unsigned>(kept[i]) + 1;
    if (first < last) ::syscall(SYS_close_range, first, last == ~0u ? last : last - 1, 0);
  }
}

int refuse(Shared& shared, int bell, const std::string& why) {
  std::strncpy(shared.message, why.c_str(), kMessageBytesMax - 1);
  shared.phase = Phase::refused;
  ring(bell);
  return 1;
}

// What a frozen file system must never include: a process of ours would block on it, and then
// nobody thaws.
Status check_targets(const PairArguments& arguments, HeldRecord& record) {
  std::vector<std::string> needed = {"/", "/proc/self/exe", arguments.record_directory};
  needed.insert(needed.end(), arguments.never.begin(), arguments.never.end());
  for (int fd : arguments.targets) {
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    char path[4096];
    const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
    if (length < 0) return posix_error(errno, "find the path of", link);
    auto id = file_system_of(fd);
    if (!id.ok()) return id.error();
    record.file_systems.push_back({id.value(), {path, static_cast<std::size_t>(length)}});
  }
  for (const std::string& path : needed) {
    auto id = file_system_of(path);
    if (!id.ok()) return id.error();
    const std::vector<FileSystemId> below = with_backing(id.value());
    for (const HeldFileSystem& held : record.file_systems) {
      if (std::find(below.begin(), below.end(), held.id) == below.end()) continue;
      return Error(Errc::not_supported, "'" + escape_path(held.mount_point) + "' is not frozen: '" +
                                            escape_path(path) +
                                            "', which the freeze itself needs, is on it");
    }
  }
  return Ok{};
}

void on_terminate(int) {
  g_terminated = 1;
}

void ignore_what_a_terminal_sends() {
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_IGN);
  struct sigaction terminate {};
  terminate.sa_handler = on_terminate;  // no SA_RESTART: poll() must end
  ::sigaction(SIGTERM, &terminate, nullptr);
}

int run_pair(int argc, char** argv) {
  PairArguments arguments;
  if (!parse(argc, argv, arguments)) return 2;
  std::vector<int> kept = arguments.targets;
  kept.insert(kept.end(), {arguments.shared, arguments.keeper_bell, arguments.holder_bell});
  keep_only(std::move(kept));
  ::setsid();
  [[maybe_unused]] const int root = ::chdir("/");
  ignore_what_a_terminal_sends();

  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, arguments.shared, 0);
  if (memory == MAP_FAILED) return 1;
  Shared& shared = *static_cast<Shared*>(memory);
  if (shared.magic != kSharedMagic || shared.targets != arguments.targets.size()) return 2;
  shared.keeper_pid = ::getpid();

  ::mkdir(arguments.record_directory.c_str(), 0700);
  HeldRecord record;
  // Before the checks, which look at the directory's file system.
  struct stat about {};
  if (::stat(arguments.record_directory.c_str(), &about) != 0) {
    auto made = write_held_record(arguments.record_directory, record);
    if (!made.ok()) return refuse(shared, arguments.keeper_bell, made.error().what());
    ::unlink(made.value().c_str());
  }
  if (Status s = check_targets(arguments, record); !s.ok()) {
    return refuse(shared, arguments.keeper_bell, s.error().what());
  }

  sweep_cgroups();
  raise_priority();
  std::uint32_t warnings = 0;
  struct statfs record_fs {};
  if (::statfs(arguments.record_directory.c_str(), &record_fs) != 0 ||
      record_fs.f_type != TMPFS_MAGIC) {
    warnings |= kWarnRecordNotTmpfs;
  }

  const int keeper = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  const pid_t child = ::fork();
  if (child < 0 || keeper < 0) {
    return refuse(shared, arguments.keeper_bell, posix_error(errno, "start", "the holder").what());
  }
  if (child == 0) {
    ::close(arguments.keeper_bell);
    ::prctl(PR_SET_NAME, "sf-holder");
    shared.holder_pid = ::getpid();
    if (!move_to_own_cgroup("holder")) shared.warnings |= kWarnNoCgroup;
    if (!lock_memory()) shared.warnings |= kWarnNotLocked;
    PartyFds fds{arguments.holder_bell, keeper, make_tick_timer(shared.tick_ns),
                 arguments.targets.data()};
    return run_holder(shared, fds);
  }
  ::close(arguments.holder_bell);
  ::prctl(PR_SET_NAME, "sf-keeper");
  if (!move_to_own_cgroup("keeper")) warnings |= kWarnNoCgroup;
  if (!lock_memory()) warnings |= kWarnNotLocked;
  shared.warnings |= warnings;

  const int holder = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  PartyFds fds{arguments.keeper_bell, holder, make_tick_timer(shared.tick_ns),
               arguments.targets.data()};
  if (holder < 0 || fds.timer < 0) {
    return refuse(shared, arguments.keeper_bell, posix_error(errno, "watch", "the holder").what());
  }
  record.boot_id = this_boot_id();
  record.client = process_ref(arguments.client);
  record.keeper = process_ref(::getpid());
  record.holder = process_ref(child);
  record.lease = std::chrono::milliseconds(shared.lease_ns / 1'000'000);
  auto path = write_held_record(arguments.record_directory, record);
  if (!path.ok()) return refuse(shared, arguments.keeper_bell, path.error().what());
  std::strncpy(shared.record_path, path.value().c_str(), sizeof shared.record_path - 1);

  // The holder sets its first beat when it can take orders; a freeze before that would go unheard.
  Phase starting = Phase::starting;
  while (shared.holder_beat == 0) {
    const Wakeup seen = wait_for_wakeup(fds, -1);
    if (seen.peer_gone || seen.client_gone) break;
  }
  shared.keeper_beat = boot_ns();
  shared.phase.compare_exchange_strong(starting, Phase::ready);
  ring(arguments.keeper_bell);
  return run_keeper(shared, fds);
}

int run_thaw(const std::string& directory) {
  auto thawed = thaw_recorded(directory);
  if (!thawed.ok()) {
    std::fprintf(stderr, "stillframe-guard: %s\n", thawed.error().what().c_str());
    return 1;
  }
  int status = 0;
  for (const RecordedThaw& one : thawed.value()) {
    const char* outcome = one.outcome == RecordedThaw::Outcome::thawed       ? "thawed"
                          : one.outcome == RecordedThaw::Outcome::not_frozen ? "was not frozen"
                          : one.outcome == RecordedThaw::Outcome::left_alone ? "left alone"
                                                                             : "FAILED";
    const std::string object = one.mount_point.empty() ? one.record : one.mount_point;
    std::printf("%s: %s%s%s\n", escape_path(object).c_str(), outcome,
                one.message.empty() ? "" : ": ", one.message.c_str());
    if (one.outcome == RecordedThaw::Outcome::failed) status = 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "pair") return run_pair(argc, argv);
  if (role == "thaw" && argc <= 3) return run_thaw(argc == 3 ? argv[2] : kDefaultRecordDirectory);
  const bool asked = role == "--help" && argc == 2;
  std::fputs(guard_help_text().c_str(), asked ? stdout : stderr);
  return asked ? 0 : 2;
}

#include "framework/io/sandbox.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr uid_t kNobody = 65534;

// ---- rights

Status give_up_rights() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return posix_error(errno, "set", "no_new_privs");
  if (::geteuid() == 0) {
    // By system calls, because the C library would wait for threads that a fork left behind.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) return posix_error(errno, "give up", "groups");
    if (::syscall(SYS_setresgid, kNobody, kNobody, kNobody) != 0)
      return posix_error(errno, "give up", "the group");
    if (::syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0)
      return posix_error(errno, "give up", "the user");
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0)
    return posix_error(errno, "give up", "capabilities");
  return Ok{};
}

Status limit(__rlimit_resource what, rlim_t most, const char* name) {
  const rlimit both{most, most};
  if (::setrlimit(what, &both) != 0) return posix_error(errno, "limit", name);
  return Ok{};
}

// In bytes; 0 when it cannot be read.
std::uint64_t address_space_now() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long pages = 0;
  const bool read = std::fscanf(file, "%lu", &pages) == 1;
  std::fclose(file);
  return read ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(::getpagesize()) : 0;
}

Status limit_resources(const SandboxOptions& options) {
  if (Status s = limit(RLIMIT_FSIZE, 0, "written files"); !s.ok()) return s;
  if (Status s = limit(RLIMIT_CORE, 0, "core files"); !s.ok()) return s;
  if (Status s = limit(RLIMIT_NPROC, 0, "processes"); !s.ok()) return s;
  if (options.cpu_max.count() > 0) {
    Status s = limit(RLIMIT_CPU, static_cast<rlim_t>(options.cpu_max.count()), "processor time");
    if (!s.ok()) return s;
  }
  if (options.memory_bytes_max == 0) return Ok{};
  const std::uint64_t now = address_space_now();
  if (now == 0) return Error(Errc::io, "how much memory the process has cannot be read");
  return limit(RLIMIT_AS, now + options.memory_bytes_max, "memory");
}

// ---- files

// Every right over files that the kernel's version of Landlock knows: none is given but the two
// for reading. Later headers name those from the third version on, ours may not.
std::uint64_t file_rights(long version) {
  constexpr std::uint64_t kFirst = (std::uint64_t{1} << 13) - 1;
  std::uint64_t rights = kFirst;
  if (version >= 2) rights |= std::uint64_t{1} << 13;  // rename and link elsewhere
  if (version >= 3) rights |= std::uint64_t{1} << 14;  // truncate
  if (version >= 5) rights |= std::uint64_t{1} << 15;  // ioctl of devices
  return rights;
}

Status allow_reading(int rules, const BytePath& path) {
  const int at = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (at < 0) return posix_error(errno, "open", path);
  struct stat about {};
  const bool directory = ::fstat(at, &about) == 0 && S_ISDIR(about.st_mode);
  landlock_path_beneath_attr rule{};
  rule.parent_fd = at;
  rule.allowed_access =
      LANDLOCK_ACCESS_FS_READ_FILE | (directory ? LANDLOCK_ACCESS_FS_READ_DIR : 0);
  const bool added =
      ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  const int cause = errno;
  ::close(at);
  return added ? Status(Ok{}) : posix_error(cause, "allow reading of", path);
}

// False where the kernel has no Landlock, or has it switched off.
Result<bool> confine_files(const std::vector<BytePath>& readable) {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version <= 0) return false;
  std::array<std::uint64_t, 1> handled{file_rights(version)};
  const long rules = ::syscall(SYS_landlock_create_ruleset, handled.data(), sizeof handled, 0);
  if (rules < 0) return posix_error(errno, "make", "a set of Landlock rules");
  const Descriptor owned(static_cast<int>(rules));
  for (const BytePath& path : readable)
    if (Status s = allow_reading(owned.get(), path); !s.ok()) return s.error();
  if (::syscall(SYS_landlock_restrict_self, owned.get(), 0) != 0)
    return posix_error(errno, "confine", "files by Landlock");
  return true;
}

// ---- system calls

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // no filter
#endif

// What it takes to compute, to talk over descriptors that are open, and to end. A pipe reaches
// nobody else; the undefined behaviour sanitizer tries addresses by one.
constexpr std::uint32_t kAllowed[] = {
    SYS_read,          SYS_write,
    SYS_readv,         SYS_writev,
    SYS_pread64,       SYS_close,
    SYS_lseek,         SYS_fstat,
    SYS_newfstatat,    SYS_getdents64,
    SYS_mmap,          SYS_munmap,
    SYS_mremap,        SYS_mprotect,
    SYS_madvise,       SYS_brk,
    SYS_futex,         SYS_rt_sigreturn,
    SYS_rt_sigaction,  SYS_rt_sigprocmask,
    SYS_sigaltstack,   SYS_exit,
    SYS_exit_group,    SYS_getpid,
    SYS_gettid,        SYS_sched_yield,
    SYS_clock_gettime, SYS_gettimeofday,
    SYS_getrandom,     SYS_restart_syscall,
    SYS_getrusage,     SYS_sched_getaffinity,
    SYS_ppoll,         SYS_membarrier,
    SYS_pipe2,
#if defined(__x86_64__)
    SYS_poll,          SYS_time,
    SYS_pipe,
#endif
};

constexpr std::uint32_t kNumberOffset = offsetof(seccomp_data, nr);
constexpr std::uint32_t kArchitectureOffset = offsetof(seccomp_data, arch);

// The low half of an argument; both our architectures store it first.
constexpr std::uint32_t argument_offset(std::uint32_t index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) + 8 * index;
}

std::vector<sock_filter> make_filter() {
  constexpr std::uint32_t kDenied = SECCOMP_RET_ERRNO | EPERM;
  constexpr std::uint32_t kWriting =
      O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  std::vector<sock_filter> filter{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArchitectureOffset),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),  // another table of calls
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumberOffset),
  };
  for (const std::uint32_t call : kAllowed) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  // openat() for reading only. Its flags are the third argument.
  const sock_filter opening[] = {
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_offset(2)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kWriting, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, kDenied),
  };
  filter.insert(filter.end(), std::begin(opening), std::end(opening));
  return filter;
}

// False where the kernel filters no calls, or this architecture has no table of ours.
Result<bool> filter_calls() {
  if (kArchitecture == 0) return false;
  std::vector<sock_filter> filter = make_filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
  if (errno == ENOSYS || errno == EINVAL) return false;
  return posix_error(errno, "filter", "system calls");
}

}  // namespace

Result<Sandbox> enter_sandbox(const SandboxOptions& options) {
  if (Status s = limit_resources(options); !s.ok()) return s.error().while_doing("sandbox");
  if (Status s = give_up_rights(); !s.ok()) return s.error().while_doing("sandbox");
  Sandbox sandbox;
  auto confined = confine_files(options.readable);
  if (!confined.ok()) return confined.error().while_doing("sandbox");
  sandbox.files_confined = confined.value();
  auto filtered = filter_calls();
  if (!filtered.ok()) return filtered.error().while_doing("sandbox");
  sandbox.calls_filtered = filtered.value();
  if (!sandbox.files_confined)
    sandbox.weakness = "this kernel has no Landlock, which keeps files away";
  if (!sandbox.calls_filtered)
    sandbox.weakness += std::string(sandbox.weakness.empty() ? "" : "; ") +
                        "this kernel does not filter system calls (seccomp)";
  return sandbox;
}

}  // namespace stillframe

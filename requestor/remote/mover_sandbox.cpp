#include "requestor/remote/mover_sandbox.hpp"

#include <cerrno>
#include <cstdint>

#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe::requestor {
namespace {

constexpr uid_t kNobody = 65534;

// Reading and nothing else: no writing, no signals, no other user's processes.
Status keep_reading_only() {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 ||
      ::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0)
    return posix_error(errno, "become", "nobody");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct wanted[2]{};
  wanted[0].effective = wanted[0].permitted = 1U << CAP_DAC_READ_SEARCH;
  if (::syscall(SYS_capset, &header, wanted) != 0)
    return posix_error(errno, "give up", "capabilities");
  return Ok{};
}

// Best effort: kernels before 5.13 and some containers have none.
void see_only(std::span<const int> roots) {
  constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs =
      (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all of the first version
  const Descriptor rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.valid()) return;
  for (const int root : roots) {
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = kRead;
    beneath.parent_fd = root;
    if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
      return;
  }
  (void)::syscall(SYS_landlock_restrict_self, rules.get(), 0);
}

}  // namespace

Status enter_sandbox(std::span<const int> roots) {
  if (::geteuid() == 0) {
    if (Status s = keep_reading_only(); !s.ok()) return s;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return posix_error(errno, "give up", "new privileges");
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  see_only(roots);
  return Ok{};
}

}  // namespace stillframe::requestor

#include "framework/base/account.hpp"

#include <vector>

#include <grp.h>
#include <pwd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {

namespace {

constexpr int kGroupsMax = 1024;

}  // namespace

Result<Account> find_account(const std::string& name) {
  std::vector<char> buffer(64 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  const int failure = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failure != 0) return posix_error(failure, "look up the user", name);
  if (found == nullptr) {
    return Error(Errc::not_found, "there is no user '" + escape_path(name) +
                                      "'; create it or change 'user' in the file that names it");
  }
  Account account;
  account.name = name;
  account.home = entry.pw_dir;
  account.ids.uid = entry.pw_uid;
  account.ids.gid = entry.pw_gid;
  int count = kGroupsMax;
  account.ids.groups.resize(kGroupsMax);
  if (::getgrouplist(name.c_str(), entry.pw_gid, account.ids.groups.data(), &count) < 0) {
    return Error(Errc::limit_reached, "user '" + name + "' is in too many groups");
  }
  account.ids.groups.resize(static_cast<std::size_t>(count));
  return account;
}

}  // namespace stillframe

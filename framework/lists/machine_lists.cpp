#include "framework/lists/machine_lists.hpp"

#include <algorithm>
#include <cerrno>

#include <pwd.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kListBytesMax = std::size_t{16} << 20;
// Accounts of people, by the custom of Debian; the last one is nobody.
constexpr uid_t kFirstPerson = 1000, kNobody = 65534;

bool is_list(const BytePath& name) {
  return !name.starts_with('.') && name.ends_with(".list");
}

bool has_home(const passwd& account) {
  const bool person = account.pw_uid >= kFirstPerson && account.pw_uid < kNobody;
  return (person || account.pw_uid == 0) && account.pw_dir != nullptr && account.pw_dir[0] == '/' &&
         account.pw_dir[1] != '\0';
}

Result<std::vector<BytePath>> look_up_homes() {
  std::vector<BytePath> homes;
  ::setpwent();
  for (;;) {
    errno = 0;
    const passwd* account = ::getpwent();
    if (account == nullptr) break;
    if (has_home(*account)) homes.push_back(tidy_path(account->pw_dir));
  }
  const int error = errno;
  ::endpwent();
  if (error != 0 && error != ENOENT) return posix_error(error, "list", "the accounts");
  std::sort(homes.begin(), homes.end());
  homes.erase(std::unique(homes.begin(), homes.end()), homes.end());
  return homes;
}

}  // namespace

Result<MachinePlaces> look_up_machine_places() {
  auto homes = look_up_homes();
  if (!homes.ok()) return homes.error();
  auto mounted = VolumeDirectory::read();
  if (!mounted.ok()) return mounted.error();
  MachinePlaces places;
  places.homes = std::move(homes).value();
  for (const Volume& volume : mounted.value().volumes()) {
    places.volumes.push_back(volume.mount_point);
  }
  return places;
}

Result<std::vector<ExcludedFiles>> read_exclude_lists(const BytePath& folder, uid_t owner,
                                                      const MachinePlaces& places) {
  std::vector<ExcludedFiles> all;
  auto opened = open_directory(folder);
  if (!opened.ok()) {
    if (opened.error().code() == Errc::not_found) return all;
    return opened.error();
  }
  auto names = list_names(opened.value().get());
  if (!names.ok()) return names.error();
  for (const BytePath& name : names.value()) {
    if (!is_list(name)) continue;
    const BytePath path = join_path(folder, name);
    auto text = read_trusted_file(path, owner, kListBytesMax);
    if (!text.ok()) return text.error().while_doing("exclude list");
    auto list = parse_exclude_list(text.value(), path, places);
    if (!list.ok()) return list.error().while_doing("exclude list");
    all.insert(all.end(), list.value().begin(), list.value().end());
  }
  return all;
}

Result<std::vector<ExcludedFiles>> read_machine_lists(const BytePath& folder) {
  if (!exists(folder)) return std::vector<ExcludedFiles>();  // the usual case asks for no places
  auto places = look_up_machine_places();
  if (!places.ok()) return places.error();
  return read_exclude_lists(folder, 0, places.value());
}

}  // namespace stillframe

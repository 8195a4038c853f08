#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/providers/guard/held_record.hpp"

namespace stillframe::guard {

namespace {

using Outcome = RecordedThaw::Outcome;

// Beyond its lease, what a pair may need to thaw by itself.
constexpr std::chrono::milliseconds kGrace{1000};
// After SIGKILL; a process inside FIFREEZE ends only when the call does.
constexpr std::chrono::milliseconds kKillWait{60'000};

bool wait_ended(int pidfd, std::chrono::milliseconds for_at_most) {
  pollfd ended{pidfd, POLLIN, 0};
  int n;
  do n = ::poll(&ended, 1, static_cast<int>(for_at_most.count()));
  while (n < 0 && errno == EINTR);
  return n > 0;
}

// True when the process is known to have ended.
bool see_off(const ProcessRef& process, std::chrono::milliseconds patience) {
  const Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // In this order: the descriptor pins whoever bears the number now, then we see whether it is
  // ours.
  if (!pidfd.valid() || !is_running(process)) return true;
  if (wait_ended(pidfd.get(), patience)) return true;
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  return wait_ended(pidfd.get(), kKillWait);
}

RecordedThaw thaw_one(const BytePath& record, const HeldFileSystem& held) {
  RecordedThaw result{record, held.mount_point, Outcome::failed, {}};
  std::vector<BytePath> places = mount_points_of(held.id);
  // The path the freeze was asked for first, if it still leads to the same file system.
  std::stable_partition(places.begin(), places.end(),
                        [&](const BytePath& place) { return place == held.mount_point; });
  if (places.empty()) {
    result.message = "file system " + held.id.to_string() +
                     " is not mounted here; mount it, then start again to thaw it";
    return result;
  }
  for (const BytePath& place : places) {
    const Descriptor fd(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) continue;
    auto id = file_system_of(fd.get());
    if (!id.ok() || id.value() != held.id) continue;  // hidden below another mount
    if (::ioctl(fd.get(), FITHAW, 0) == 0) {
      result.outcome = Outcome::thawed;
    } else if (errno == EINVAL) {
      result.outcome = Outcome::not_frozen;
    } else {
      result.message = posix_error(errno, "thaw", place).what();
      continue;
    }
    return result;
  }
  if (result.message.empty()) result.message = "no mount of it can be opened";
  return result;
}

void thaw_record(const BytePath& path, std::vector<RecordedThaw>& results) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  text.resize(kHeldRecordBytesMax);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto parsed = parse_held_record(text);
  if (!parsed.ok()) {
    results.push_back({path, {}, Outcome::failed, parsed.error().what()});
    return;
  }
  const HeldRecord& record = parsed.value();
  if (record.boot_id != this_boot_id()) {
    ::unlink(path.c_str());
    return;
  }
  if (is_running(record.client)) {
    results.push_back({path,
                       {},
                       Outcome::left_alone,
                       "process " + std::to_string(record.client.pid) + " holds it"});
    return;
  }
  // The keeper first: it must not act on the holder's death while we do.
  if (!see_off(record.keeper, record.lease + kGrace) ||
      !see_off(record.holder, record.lease + kGrace)) {
    results.push_back({path, {}, Outcome::failed, "its guards do not end; still in FIFREEZE"});
    return;
  }
  // A pair that thawed by itself in the meantime took its record away.
  if (::access(path.c_str(), F_OK) != 0) return;
  bool all = true;
  for (const HeldFileSystem& held : record.file_systems) {
    results.push_back(thaw_one(path, held));
    all &= results.back().outcome != Outcome::failed;
  }
  if (all) ::unlink(path.c_str());
}

}  // namespace

Result<std::vector<RecordedThaw>> thaw_recorded(const BytePath& directory) {
  std::error_code failure;
  std::vector<BytePath> records;
  for (std::filesystem::directory_iterator it(directory, failure), end; !failure && it != end;
       it.increment(failure)) {
    // What begins with a dot is half written: its pair never came to freeze.
    if (it->path().filename().native().front() != '.') records.push_back(it->path().native());
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    return posix_error(failure.value(), "read the directory", directory);
  }
  std::sort(records.begin(), records.end());
  std::vector<RecordedThaw> results;
  for (const BytePath& record : records) thaw_record(record, results);
  return results;
}

}  // namespace stillframe::guard

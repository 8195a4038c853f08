#include "framework/daemon/doctor/folder_checks.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/base/service_command.hpp"
#include "framework/io/file.hpp"

namespace stillframe::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFreeBytesMin = std::uint64_t{16} << 20;  // a journal's growth in a session
constexpr mode_t kOthersMayWrite = 022;

struct Folder {
  const BytePath& path;
  const char* purpose;
  const char* mode;  // as its maker gives it
};

Finding about(const BytePath& path, const char* check, Severity severity, std::string what,
              std::string cause, std::string remedy) {
  return {severity, check, escape_path(path), std::move(what), std::move(cause), std::move(remedy)};
}

bool may_make_entries(const struct stat& parent, uid_t user) {
  if (user == 0) return true;
  return (parent.st_uid == user && (parent.st_mode & S_IWUSR) != 0) ||
         (parent.st_mode & S_IWOTH) != 0;
}

// A start makes it, if its user may.
void check_missing(const Folder& folder, uid_t user, Findings& findings) {
  fs::path above = folder.path;
  struct stat info {};
  do above = above.parent_path();
  while (::stat(above.c_str(), &info) != 0 && above.has_relative_path());
  if (may_make_entries(info, user)) {
    findings.push_back(about(folder.path, "folder.missing", Severity::note,
                             std::string("is not there yet: ") + folder.purpose,
                             "the first start makes it", ""));
    return;
  }
  findings.push_back(about(folder.path, "folder.missing", Severity::problem,
                           std::string("is not there: ") + folder.purpose,
                           user_word(user) + " may not make it in " + escape_path(above.native()),
                           std::string("install -d -m ") + folder.mode + " -o " + user_word(user) +
                               " " + shell_word(folder.path)));
}

void check_ownership(const Folder& folder, const struct stat& info, uid_t user,
                     Findings& findings) {
  if (info.st_uid != user)
    findings.push_back(about(folder.path, "folder.owner", Severity::problem,
                             "belongs to " + user_word(info.st_uid) + " and not to " +
                                 user_word(user) + ", whom the daemon runs as",
                             "it was made by another user, or by a daemon that was started as one",
                             "chown -R " + user_word(user) + " " + shell_word(folder.path)));
  if ((info.st_mode & kOthersMayWrite) != 0)
    findings.push_back(
        about(folder.path, "folder.mode", Severity::problem,
              "others may write to it, so the daemon refuses to believe what is in it",
              "its mode was changed",
              std::string("chmod ") + folder.mode + " " + shell_word(folder.path)));
}

void check_space(const Folder& folder, Findings& findings) {
  struct statvfs space {};
  if (::statvfs(folder.path.c_str(), &space) != 0) return;
  if ((space.f_flag & ST_RDONLY) != 0) {
    findings.push_back(about(
        folder.path, "folder.read_only", Severity::problem,
        std::string("cannot be written: ") + folder.purpose, "its file system is mounted read-only",
        "mount -o remount,rw \"$(stat -c %m " + shell_word(folder.path) + ")\""));
    return;
  }
  const std::uint64_t left = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (left >= kFreeBytesMin) return;
  findings.push_back(about(folder.path, "folder.full", Severity::problem,
                           std::to_string(left >> 10) + " KiB are left: " + folder.purpose,
                           "its file system is full", "df " + shell_word(folder.path)));
}

void check_folder(const Folder& folder, uid_t user, Findings& findings) {
  struct stat info {};
  if (::stat(folder.path.c_str(), &info) != 0) {
    if (errno == ENOENT) return check_missing(folder, user, findings);
    findings.push_back(about(folder.path, "folder.unseen", Severity::warning,
                             posix_error(errno, "cannot look at", folder.path).what(), "",
                             "ask again as root"));
    return;
  }
  if (!S_ISDIR(info.st_mode)) {
    findings.push_back(
        about(folder.path, "folder.no_folder", Severity::problem,
              std::string("is no folder: ") + folder.purpose, "",
              "mv " + shell_word(folder.path) + " " + shell_word(folder.path + ".old")));
    return;
  }
  check_ownership(folder, info, user, findings);
  check_space(folder, findings);
}

// A daemon that was once started as root leaves files that it cannot open as itself.
void check_state_files(const BytePath& state, uid_t user, Findings& findings) {
  if (user == 0) return;
  std::error_code failure;
  for (fs::directory_iterator it(state, failure), end; !failure && it != end;
       it.increment(failure)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (info.st_uid == user) continue;
    findings.push_back(about(it->path().native(), "folder.owner", Severity::problem,
                             "belongs to " + user_word(info.st_uid) + " and not to " +
                                 user_word(user) + ", whom the daemon runs as",
                             "a daemon was started as another user",
                             "chown -R " + user_word(user) + " " + shell_word(state)));
    return;  // one stands for all: the remedy is the same
  }
}

// The process that a coordinator's lock names, empty when it names none; nothing when nobody has
// it.
std::optional<std::string> lock_holder(const BytePath& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return std::nullopt;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  constexpr std::size_t kPidBytesMax = 32;
  const auto text = read_file(path, kPidBytesMax);
  return text.ok() ? text.value().substr(0, text.value().find('\n')) : std::string();
}

}  // namespace

void check_folders(const ServiceFolders& folders, uid_t user, Findings& findings) {
  const std::size_t before = findings.size();
  check_folder({folders.state, "the journal is kept there", "0700"}, user, findings);
  check_folder({folders.runtime, "locks and records of holds are kept there", "0755"}, user,
               findings);
  if (findings.size() == before) check_state_files(folders.state, user, findings);
  if (findings.size() == before)
    findings.push_back({Severity::good, "folder.fit", escape_path(folders.state),
                        "and " + escape_path(folders.runtime) + " can be worked in", "", ""});
}

void check_in_the_way(const ServiceFolders& folders, Findings& findings) {
  const BytePath lock = folders.state + "/coordinator.lock";
  if (const auto holder = lock_holder(lock)) {
    const bool named = !holder->empty();
    findings.push_back(
        about(folders.state, "folder.taken", Severity::problem,
              "is used by " + (named ? "process " + *holder : "a process"),
              "another coordinator works with it, and listens elsewhere or not yet",
              named ? "kill " + shell_word(*holder) : "fuser -v " + shell_word(lock)));
  }
  for (const char* name : {"writer.sock", "requestor.sock", "status.sock"}) {
    const BytePath path = folders.sockets + "/" + name;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || S_ISSOCK(info.st_mode)) continue;
    findings.push_back(about(path, "socket.in_the_way", Severity::problem, "is no socket",
                             "somebody put it where the daemon listens",
                             "mv " + shell_word(path) + " " + shell_word(path + ".old")));
  }
}

}  // namespace stillframe::daemon

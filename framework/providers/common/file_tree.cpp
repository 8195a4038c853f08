#include "framework/providers/common/file_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/copy_metadata.hpp"
#include "framework/io/remove_tree.hpp"

namespace stillframe {
namespace {

// On two cores four took a fifth to a quarter off the time of one; more do not help, as file
// systems serialise the transactions behind a clone.
constexpr unsigned kFillThreadsMax = 4;
constexpr std::size_t kFilesPerThreadMin = 64;

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
         (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT);
}

bool has_siblings(const struct stat& status) {
  return status.st_nlink > 1 && !S_ISDIR(status.st_mode);
}

bool has_privileges(EntryAt entry, const struct stat& status) {
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return true;
  const std::string path = "/proc/self/fd/" + std::to_string(entry.directory) + "/" + entry.name;
  return ::lgetxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

Status in_path(const Status& status, const BytePath& path) {
  if (status.ok()) return status;
  return status.error().while_doing("'" + escape_path(path) + "'");
}

bool is_gone(const Status& status) {
  return !status.ok() && status.error().code() == Errc::not_found;
}

}  // namespace

FileTree::FileTree(Descriptor volume, Descriptor tree, DataMode data)
    : volume_(std::move(volume)), tree_(std::move(tree)), data_(data) {}

Status FileTree::build(const FileScan& scan, const std::atomic<bool>& cancelled) {
  HardLinks links;
  for (const auto& [path, status] : scan) {
    if (cancelled.load()) return Error(Errc::cancelled, "building the snapshot's tree: cancelled");
    Status made = make(path, status, links);
    // What vanishes before the hold is not part of the snapshot.
    if (!made.ok() && !is_gone(made)) return in_path(made, path);
  }
  return Ok{};
}

Status FileTree::make(const BytePath& path, const struct stat& status, HardLinks& links) {
  if (path.empty()) {
    built_[path] = status;
    return metadata(path, status, false);
  }
  auto source = open_parent_beneath(volume_.get(), path);
  if (!source.ok()) return source.error();
  auto target = open_parent_beneath(tree_.get(), path);
  if (!target.ok()) return target.error();
  const EntryAt from{source.value().directory.get(), source.value().name};
  const EntryAt to{target.value().directory.get(), target.value().name};
  if (const BytePath* first = links.find(status)) {
    auto other = open_parent_beneath(tree_.get(), *first);
    if (!other.ok()) return other.error();
    if (::linkat(other.value().directory.get(), other.value().name.c_str(), to.directory,
                 to.name.c_str(), 0) != 0) {
      return posix_error(errno, "link", path);
    }
    built_[path] = status;
    return Ok{};
  }
  Status made = make_entry_like(from, status, to);
  if (!made.ok() && made.error().code() == Errc::not_supported) {
    ++sockets_skipped_;
    return Ok{};
  }
  if (!made.ok()) {
    (void)remove_tree(to.directory, to.name);
    return made;
  }
  links.note(status, path);
  built_[path] = status;
  if (Status s = metadata(path, status, true); !s.ok()) return s;
  if (S_ISREG(status.st_mode) && has_privileges(to, status)) privileged_.insert(path);
  return Ok{};
}

Status FileTree::metadata(const BytePath& path, const struct stat& status, bool times) {
  const BytePath here = ".";
  std::vector<std::string> lost;
  Status kept = Ok{};
  if (path.empty()) {
    kept = copy_metadata({volume_.get(), here}, status, {tree_.get(), here}, lost, {true, times});
  } else {
    auto source = open_parent_beneath(volume_.get(), path);
    if (!source.ok()) return source.error();
    auto target = open_parent_beneath(tree_.get(), path);
    if (!target.ok()) return target.error();
    kept =
        copy_metadata({source.value().directory.get(), source.value().name}, status,
                      {target.value().directory.get(), target.value().name}, lost, {true, times});
  }
  note_lost(path, lost);
  return kept;
}

void FileTree::note_lost(const BytePath& path, const std::vector<std::string>& lost) {
  if (lost.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const auto& what : lost) {
    if (not_kept_.size() < kNotKeptMax) not_kept_.push_back(escape_path(path) + ": " + what);
  }
}

// A prebuilt entry serves if its source is still the same file, and if it has several names, if
// the first of them is the one its copy is linked to.
bool FileTree::still_fits(const BytePath& path, const struct stat& now,
                          const HardLinks& links) const {
  const auto at = built_.find(path);
  if (at == built_.end() || !same_file(at->second, now)) return false;
  const bool touched = !same_time(at->second.st_ctim, now.st_ctim);
  if (S_ISDIR(now.st_mode)) return true;
  if (!S_ISREG(now.st_mode)) return !touched;
  if (!has_siblings(at->second) && !has_siblings(now)) return true;
  const BytePath* first = links.find(now);
  if (first == nullptr) return true;
  const auto sibling = built_.find(*first);
  return sibling != built_.end() && same_file(sibling->second, at->second);
}

Status FileTree::rebuild(const BytePath& path, const struct stat& status, HardLinks& links) {
  if (built_.count(path) != 0) {
    auto target = open_parent_beneath(tree_.get(), path);
    if (!target.ok()) return target.error();
    if (Status s = remove_tree(target.value().directory.get(), target.value().name); !s.ok()) {
      return s;
    }
    // A directory took everything below with it.
    const BytePath below = path + "/";
    built_.erase(path);
    for (auto at = built_.lower_bound(below);
         at != built_.end() && at->first.compare(0, below.size(), below) == 0;) {
      at = built_.erase(at);
    }
  }
  return make(path, status, links);
}

Status FileTree::fill(const FileScan& now) {
  now_ = now;
  HardLinks links;
  std::vector<const FileScan::value_type*> files;
  for (const auto& entry : now_) {
    const auto& [path, status] = entry;
    const bool first_name = links.find(status) == nullptr;
    if (still_fits(path, status, links)) {
      links.note(status, path);
      const auto& before = built_[path];
      if (S_ISDIR(status.st_mode) && !same_time(before.st_ctim, status.st_ctim)) {
        Status kept = metadata(path, status, false);
        if (!kept.ok() && !is_gone(kept)) return in_path(kept, path);
      }
    } else {
      Status made = rebuild(path, status, links);
      if (is_gone(made)) continue;
      if (!made.ok()) return in_path(made, path);
    }
    if (S_ISREG(status.st_mode) && first_name) files.push_back(&entry);
  }
  for (const auto& [path, status] : built_) {
    if (now_.count(path) == 0) gone_.push_back(path);
  }
  return fill_all(files);
}

Status FileTree::fill_all(const std::vector<const FileScan::value_type*>& files) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  Status first_error = Ok{};
  const auto work = [&] {
    for (std::size_t at; !stop.load() && (at = next.fetch_add(1)) < files.size();) {
      Status done = in_path(fill_file(files[at]->first, files[at]->second), files[at]->first);
      if (done.ok()) continue;
      const std::lock_guard lock(mutex);
      if (first_error.ok()) first_error = done;
      stop = true;
    }
  };
  const auto wanted =
      std::min<std::size_t>({kFillThreadsMax, std::max(1u, std::thread::hardware_concurrency()),
                             files.size() / kFilesPerThreadMin + 1});
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() + 1 < wanted) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer threads are slower and not wrong.
  }
  work();
  for (auto& helper : helpers) helper.join();
  return first_error;
}

Status FileTree::fill_file(const BytePath& path, const struct stat& status) {
  auto from = open_beneath(volume_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!from.ok() && from.error().code() == Errc::not_found) {
    const std::lock_guard lock(mutex_);
    vanished_.push_back(path);  // only possible when nobody holds the files still
    return Ok{};
  }
  if (!from.ok()) return from.error();
  auto target = open_parent_beneath(tree_.get(), path);
  if (!target.ok()) return target.error();
  return fill_opened(path, status, from.value().get(), target.value().directory,
                     target.value().name);
}

Status FileTree::fill_opened(const BytePath& path, const struct stat& status, int from,
                             const Descriptor& target_parent, const BytePath& name) {
  Descriptor to(::openat(target_parent.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!to.valid()) return posix_error(errno, "open the copy of", path);
  auto copied = copy_data(from, to.get(), data_, path);
  // The flag changed since the tree was built: it can only be set on an empty file.
  const bool odd = !copied.ok() && copied.error().code() == Errc::not_supported &&
                   has_nocow(from) != has_nocow(to.get());
  if (odd) {
    Descriptor again(::openat(target_parent.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!again.valid()) return posix_error(errno, "make again", path);
    if (has_nocow(from) != has_nocow(again.get())) {
      if (Status s = set_nocow(again.get(), path); !s.ok()) return s;
    }
    copied = copy_data(from, again.get(), data_, path);
    if (!copied.ok()) return copied.error();
    const std::string made = "/proc/self/fd/" + std::to_string(again.get());
    if (::unlinkat(target_parent.get(), name.c_str(), 0) != 0 ||
        ::linkat(AT_FDCWD, made.c_str(), target_parent.get(), name.c_str(), AT_SYMLINK_FOLLOW) !=
            0) {
      return posix_error(errno, "replace", path);
    }
    return metadata(path, status, true);
  }
  if (!copied.ok()) return copied.error();
  const auto before = built_.find(path);
  const bool touched = before == built_.end() || privileged_.count(path) != 0 ||
                       !same_time(before->second.st_ctim, status.st_ctim);
  return touched ? metadata(path, status, true) : set_times({target_parent.get(), name}, status);
}

Status FileTree::finish() {
  gone_.insert(gone_.end(), vanished_.begin(), vanished_.end());
  for (auto path = gone_.rbegin(); path != gone_.rend(); ++path) {
    auto target = open_parent_beneath(tree_.get(), *path);
    if (!target.ok() && target.error().code() == Errc::not_found) continue;
    if (!target.ok()) return target.error();
    if (Status s = remove_tree(target.value().directory.get(), target.value().name); !s.ok()) {
      return s;
    }
  }
  for (auto at = now_.rbegin(); at != now_.rend(); ++at) {
    const auto& [path, status] = *at;
    if (!S_ISDIR(status.st_mode)) continue;
    auto directory = open_beneath(tree_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!directory.ok() && directory.error().code() == Errc::not_found) continue;
    if (!directory.ok()) return directory.error();
    const BytePath here = ".";
    if (Status s = set_times({directory.value().get(), here}, status); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe

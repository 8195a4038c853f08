#include "framework/io/copy_tree.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/copy_metadata.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

class TreeCopy {
 public:
  TreeCopy(int from, int to, const TreeCopyOptions& options)
      : from_(from), to_(to), options_(options) {}

  Result<TreeCopyReport> run() {
    struct stat status {};
    if (::fstat(from_, &status) != 0) return posix_error(errno, "look at", "the tree's root");
    const WalkOptions walk{options_.stay_on_mount, options_.stay_on_device};
    Status walked = walk_tree(
        from_, walk, [this](const WalkEntry& entry) { return enter(entry); },
        [this](const WalkEntry& entry) { return leave(entry); });
    if (!walked.ok()) return walked.error();
    const BytePath here = ".";
    if (Status s = metadata({from_, here}, status, {to_, here}, here); !s.ok()) return s.error();
    return report_;
  }

 private:
  Result<bool> enter(const WalkEntry& entry) {
    if (options_.cancelled != nullptr && options_.cancelled->load()) {
      return Error(Errc::cancelled, "copy of a tree: cancelled");
    }
    auto parent = open_parent_beneath(to_, entry.path);
    if (!parent.ok()) return parent.error();
    const EntryAt to{parent.value().directory.get(), entry.name};
    if (const BytePath* first = links_.find(entry.status)) return link(*first, to);
    Status made = make_entry_like({entry.directory, entry.name}, entry.status, to);
    if (!made.ok() && made.error().code() == Errc::not_supported) {
      ++report_.sockets_skipped;
      return false;
    }
    if (!made.ok()) return made.error().while_doing("copy '" + escape_path(entry.path) + "'");
    if (S_ISDIR(entry.status.st_mode)) {
      ++report_.directories;
      return true;
    }
    ++report_.files;
    links_.note(entry.status, entry.path);
    if (S_ISREG(entry.status.st_mode)) {
      if (Status s = data(entry, to); !s.ok()) return s.error();
    }
    Status kept = metadata({entry.directory, entry.name}, entry.status, to, entry.path);
    if (!kept.ok()) return kept.error();
    return false;
  }

  // A directory's times change while it is filled, so its metadata comes last.
  Status leave(const WalkEntry& entry) {
    auto parent = open_parent_beneath(to_, entry.path);
    if (!parent.ok()) return parent.error();
    return metadata({entry.directory, entry.name}, entry.status,
                    {parent.value().directory.get(), entry.name}, entry.path);
  }

  Result<bool> link(const BytePath& first, EntryAt to) {
    auto from = open_parent_beneath(to_, first);
    if (!from.ok()) return from.error();
    if (::linkat(from.value().directory.get(), from.value().name.c_str(), to.directory,
                 to.name.c_str(), 0) != 0) {
      return posix_error(errno, "link", to.name);
    }
    ++report_.files;
    return false;
  }

  Status data(const WalkEntry& entry, EntryAt to) {
    Descriptor in(::openat(entry.directory, entry.name.c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!in.valid()) return posix_error(errno, "open", entry.path);
    Descriptor out(::openat(to.directory, to.name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!out.valid()) return posix_error(errno, "open the copy of", entry.path);
    auto copied = copy_data(in.get(), out.get(), options_.data, entry.path, options_.cancelled);
    if (!copied.ok()) return copied.error();
    report_.bytes_written += copied.value().bytes_written;
    return Ok{};
  }

  Status metadata(EntryAt from, const struct stat& status, EntryAt to, const BytePath& path) {
    std::vector<std::string> lost;
    Status kept = copy_metadata(from, status, to, lost);
    if (!kept.ok()) return kept.error().while_doing("copy '" + escape_path(path) + "'");
    for (const auto& what : lost) {
      if (report_.not_kept.size() == kNotKeptMax) break;
      report_.not_kept.push_back(escape_path(path) + ": " + what);
    }
    return Ok{};
  }

  const int from_, to_;
  const TreeCopyOptions& options_;
  HardLinks links_;
  TreeCopyReport report_;
};

}  // namespace

Result<TreeCopyReport> copy_tree(int from, int to, const TreeCopyOptions& options) {
  return TreeCopy(from, to, options).run();
}

}  // namespace stillframe

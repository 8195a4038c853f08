#include "requestor/restore/target_root.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

constexpr int kLinksMax = 40;  // as many as the kernel follows

// Walks a path element by element, by descriptors: what was looked at is what is gone on from.
class Walk {
 public:
  // The same place without links; what is missing of it is as it was.
  Result<BytePath> resolve(const BytePath& directory) {
    push_front(directory);
    if (Status s = begin_at_root(); !s.ok()) return s.error();
    while (!rest_.empty()) {
      const BytePath name = std::move(rest_.front());
      rest_.pop_front();
      if (Status s = step(name); !s.ok()) return s.error();
      if (!missing_.empty()) break;
    }
    if (Status s = check_links(directory); !s.ok()) return s.error();
    BytePath path = "/";
    for (const Level& level : levels_) path = join_path(path, level.name);
    return missing_.empty() ? path : join_path(path, missing_);
  }

 private:
  struct Level {
    BytePath name;
    Descriptor directory;
  };
  struct Link {
    BytePath name;
    uid_t owner = 0;
  };

  Status begin_at_root() {
    levels_.clear();
    root_ = Descriptor(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return root_.valid() ? Status(Ok{}) : posix_error(errno, "open", "/");
  }

  int here() const { return levels_.empty() ? root_.get() : levels_.back().directory.get(); }

  void push_front(std::string_view path) {
    std::vector<BytePath> names;
    while (!path.empty()) {
      const auto slash = path.find('/');
      const auto name = path.substr(0, slash);
      if (!name.empty() && name != ".") names.emplace_back(name);
      path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    rest_.insert(rest_.begin(), names.begin(), names.end());
  }

  Status step(const BytePath& name) {
    if (name == "..") {
      if (!levels_.empty()) levels_.pop_back();
      return Ok{};
    }
    Descriptor found(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!found.valid() && errno == ENOENT) return end_at_missing(name);
    if (!found.valid()) return posix_error(errno, "open", name);
    struct stat about {};
    if (::fstat(found.get(), &about) != 0) return posix_error(errno, "look at", name);
    if (S_ISLNK(about.st_mode)) return follow(name, found.get(), about.st_uid);
    levels_.push_back({name, std::move(found)});
    return Ok{};
  }

  Status follow(const BytePath& name, int link, uid_t owner) {
    if (++links_followed_ > kLinksMax) return posix_error(ELOOP, "open", name);
    BytePath target(kBytePathBytesMax, '\0');
    const ssize_t got = ::readlinkat(link, "", target.data(), target.size());
    if (got < 0) return posix_error(errno, "read link", name);
    target.resize(static_cast<std::size_t>(got));
    if (owner != 0 && owner != ::geteuid()) links_.push_back({name, owner});
    push_front(target);
    return target.starts_with('/') ? begin_at_root() : Status(Ok{});
  }

  Status end_at_missing(const BytePath& name) {
    missing_ = name;
    for (const BytePath& more : rest_) missing_ = join_path(missing_, more);
    if (is_safe_relative(missing_)) return Ok{};
    return Error(Errc::not_found, "'" + escape_path(missing_) + "' is not there");
  }

  Status check_links(const BytePath& directory) const {
    struct stat about {};
    if (::fstat(here(), &about) != 0) return posix_error(errno, "look at", directory);
    const auto strange = std::find_if(links_.begin(), links_.end(),
                                      [&](const Link& link) { return link.owner != about.st_uid; });
    if (strange == links_.end()) return Ok{};
    return Error(Errc::access_denied,
                 "the restore target '" + escape_path(directory) + "' leads through the link '" +
                     escape_path(strange->name) + "' of uid " + std::to_string(strange->owner) +
                     " to a directory of uid " + std::to_string(about.st_uid) +
                     "; restore to a place without it, or have root make the link");
  }

  Descriptor root_;
  std::deque<BytePath> rest_;
  std::vector<Level> levels_;
  std::vector<Link> links_;  // of others
  int links_followed_ = 0;
  BytePath missing_;
};

}  // namespace

Result<Tree> open_target_root(const BytePath& directory, MissingRoot missing) {
  auto resolved = Walk().resolve(directory);
  if (!resolved.ok()) return resolved.error();
  return open_plain_root(resolved.value(), missing);
}

Result<Tree> open_plain_root(const BytePath& directory, MissingRoot missing) {
  if (missing == MissingRoot::is_made && directory != "/") {
    auto top = stillframe::open_directory("/");
    if (!top.ok()) return top.error();
    auto made = make_directories_beneath(top.value().get(), directory.substr(1), 0755);
    if (!made.ok()) return made.error();
  }
  return Tree::open_without_links(directory);
}

}  // namespace stillframe::requestor

#include "framework/providers/common/file_scan.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe {
namespace {

class Scan {
 public:
  Scan(int root, const ScanRequest& request) : root_(root), request_(request) {
    struct stat storage {};
    if (!request.storage.empty() && ::stat(request.storage.c_str(), &storage) == 0) {
      storage_ = storage;
    }
  }

  Result<FileScan> run() {
    if (Status s = add_way_to(""); !s.ok()) return s.error();
    const FileSet whole{request_.mount_point, "*", true, {}, {}, false, {}};
    if (request_.files.empty()) {
      if (Status s = scan_set(whole); !s.ok()) return s.error();
    }
    for (const auto& set : request_.files) {
      Status s = scan_set(set);
      if (!s.ok()) return s.error().while_doing("file set '" + escape_path(set.path) + "'");
    }
    return std::move(found_);
  }

 private:
  // Backups read a set from its alternate path, so that is what has to be in the snapshot.
  Status scan_set(const FileSet& set) {
    const BytePath directory = tidy_path(set.alternate_path ? *set.alternate_path : set.path);
    const auto below = path_below(directory, request_.mount_point);
    if (!below || !is_safe_relative(*below)) {
      return Error(Errc::invalid_argument, "'" + escape_path(directory) +
                                               "' is not on the volume '" +
                                               escape_path(request_.mount_point) + "'");
    }
    if (in_store(*below)) return Ok{};
    auto top = open_beneath(root_, *below, O_RDONLY | O_DIRECTORY);
    if (!top.ok()) return top.error().code() == Errc::not_found ? Status(Ok{}) : top.error();
    if (is_storage(top.value().get())) return Ok{};
    if (Status s = add_way_to(*below); !s.ok()) return s;
    return walk_tree(top.value().get(), WalkOptions{true, request_.stay_on_device},
                     [&](const WalkEntry& entry) { return visit(entry, set, *below, directory); });
  }

  Result<bool> visit(const WalkEntry& entry, const FileSet& set, const BytePath& below,
                     const BytePath& directory) {
    if (request_.cancelled != nullptr && request_.cancelled->load(std::memory_order_relaxed)) {
      return Error(Errc::cancelled, "listing files: cancelled");
    }
    const BytePath path = join_path(below, entry.path);
    if (S_ISDIR(entry.status.st_mode)) {
      if (!set.recursive || entry.name == kStoreName) return false;
      if (storage_ && storage_->st_dev == entry.status.st_dev &&
          storage_->st_ino == entry.status.st_ino) {
        return false;
      }
      if (Status s = add(path, entry.status); !s.ok()) return s.error();
      return true;
    }
    if (!matches_pattern(set.pattern, entry.name)) return false;
    if (excluded(join_path(directory, parent_of(entry.path)), entry.name)) return false;
    if (Status s = add(path, entry.status); !s.ok()) return s.error();
    return false;
  }

  static BytePath parent_of(const BytePath& relative) {
    const BytePath parent = parent_path(relative);
    return parent == "." ? BytePath() : parent;
  }

  bool excluded(const BytePath& directory, const BytePath& name) const {
    for (const auto& rule : request_.exclude) {
      const BytePath path = tidy_path(rule.path);
      const bool here = rule.recursive ? is_within(directory, path) : directory == path;
      if (here && matches_pattern(rule.pattern, name)) return true;
    }
    return false;
  }

  bool in_store(const BytePath& relative) const {
    const std::string padded = "/" + relative + "/";
    return padded.find("/" + std::string(kStoreName) + "/") != std::string::npos;
  }

  bool is_storage(int directory) const {
    struct stat st {};
    return storage_ && ::fstat(directory, &st) == 0 && storage_->st_dev == st.st_dev &&
           storage_->st_ino == st.st_ino;
  }

  Status add_way_to(const BytePath& directory) {
    for (std::size_t end = 0;;) {
      const BytePath path = directory.substr(0, end);
      auto open = open_beneath(root_, path, O_PATH | O_DIRECTORY);
      if (!open.ok()) return open.error();
      struct stat st {};
      if (::fstat(open.value().get(), &st) != 0) return posix_error(errno, "look at", path);
      if (Status s = add(path, st); !s.ok()) return s;
      if (end == directory.size()) return Ok{};
      end = directory.find('/', end + 1);
      if (end == BytePath::npos) end = directory.size();
    }
  }

  Status add(const BytePath& path, const struct stat& status) {
    found_[path] = status;
    if (request_.files_max == 0 || found_.size() <= request_.files_max) return Ok{};
    return Error(Errc::limit_reached, "more than " + std::to_string(request_.files_max) +
                                          " files; name fewer, or raise the provider's limit");
  }

  const int root_;
  const ScanRequest& request_;
  std::optional<struct stat> storage_;
  FileScan found_;
};

}  // namespace

Result<FileScan> scan_files(int root, const ScanRequest& request) {
  return Scan(root, request).run();
}

}  // namespace stillframe

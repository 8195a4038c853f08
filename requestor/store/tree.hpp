// A directory that everything is reached beneath: no symlink is followed on the way, no path leaves
// it, whatever a manifest or a snapshot says. framework/io does the work; this remembers the root
// and its name for messages.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "requestor/store/manifest.hpp"

namespace stillframe::requestor {

class Tree {
 public:
  // An existing directory. The last element may be a symlink: the caller chose it.
  static Result<Tree> open(const BytePath& directory);
  // One that is open already; `name` is for messages.
  static Tree adopt(Descriptor root, BytePath name) {
    return Tree(std::move(root), std::move(name));
  }
  // As open(), where no part of the path may be a symlink.
  static Result<Tree> open_without_links(const BytePath& directory);
  // The same beneath this one, not through links.
  Result<Tree> subtree(std::string_view relative) const;

  int fd() const noexcept { return root_.get(); }
  const BytePath& path() const noexcept { return path_; }  // for messages

  Result<Descriptor> open_file(std::string_view relative) const;       // to read
  Result<Descriptor> open_directory(std::string_view relative) const;  // "" is the root
  // A new file; already_exists when there is one. Makes missing directories above it.
  Result<Descriptor> create_file(std::string_view relative, std::uint32_t mode) const;
  Status make_directories(std::string_view relative, std::uint32_t mode) const;

  // The whole content of a file that should be small.
  Result<std::string> read_text(std::string_view relative, std::size_t bytes_max) const;
  Status write_new(std::string_view relative, std::string_view content) const;  // and syncs it
  // Atomically and durably in place of what is there.
  Status replace(std::string_view relative, std::string_view content) const;

  Status remove_all(std::string_view relative) const;  // a file or a whole directory; idempotent
  // Whether it is gone now; false when something is in it or it is no directory.
  bool remove_empty_directory(std::string_view relative) const;
  Status sync_directory(std::string_view relative) const;

  struct Entry {
    BytePath name;
    FileKind kind = FileKind::regular;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t device = 0, inode = 0, links = 1;
  };
  // In the order of their names.
  Result<std::vector<Entry>> list(std::string_view relative) const;
  Result<Entry> stat(std::string_view relative) const;  // links are not followed

 private:
  Tree(Descriptor root, BytePath path) : root_(std::move(root)), path_(std::move(path)) {}
  BytePath display(std::string_view relative) const;
  Result<Descriptor> open_beneath(std::string_view relative, int flags, std::uint32_t mode) const;

  Descriptor root_;
  BytePath path_;
};

}  // namespace stillframe::requestor

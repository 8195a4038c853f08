// A tree that a backup reads: a folder of this machine, or a snapshot on another one.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "requestor/store/copy_file.hpp"
#include "requestor/store/tree.hpp"

namespace stillframe::requestor {

// Everything about a file but its content.
struct NodeDescription {
  FileAttributes attributes;
  std::uint64_t size = 0;
  BytePath link_target;                              // symlinks
  std::uint32_t device_major = 0, device_minor = 0;  // devices
  friend bool operator==(const NodeDescription&, const NodeDescription&) = default;
};

// A regular file.
class SourceFile {
 public:
  virtual ~SourceFile() = default;
  virtual const NodeDescription& description() const = 0;
  // What copy_file() does; `request.source` is not used.
  virtual Result<CopyOutcome> copy(const CopyRequest& request) = 0;
};

// Any thread. Paths are beneath the tree, "" is its root, and no link is followed.
class SourceTree {
 public:
  virtual ~SourceTree() = default;
  virtual Result<std::vector<Tree::Entry>> list(std::string_view relative) const = 0;
  virtual Result<Tree::Entry> stat(std::string_view relative) const = 0;
  // Of anything but a regular file, of which `kind` says what it is.
  virtual Result<NodeDescription> describe(std::string_view relative, FileKind kind) const = 0;
  virtual Result<std::unique_ptr<SourceFile>> open_file(std::string_view relative) const = 0;
  // The whole content of a file that should be small.
  virtual Result<std::string> read_text(std::string_view relative, std::size_t bytes_max) const = 0;
};

// Of this machine.
std::unique_ptr<SourceTree> local_source(Tree tree);

}  // namespace stillframe::requestor

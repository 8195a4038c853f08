#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "requestor/backup/source_tree.hpp"

namespace stillframe::requestor {
namespace {

Result<BytePath> read_link(int directory, const BytePath& name, const BytePath& shown) {
  BytePath target(kBytePathBytesMax, '\0');
  const ssize_t got = readlinkat(directory, name.c_str(), target.data(), target.size());
  if (got < 0) return posix_error(errno, "read link", shown);
  target.resize(static_cast<std::size_t>(got));
  return target;
}

class LocalFile final : public SourceFile {
 public:
  static Result<std::unique_ptr<SourceFile>> open(const Tree& tree, std::string_view relative) {
    auto descriptor = tree.open_file(relative);
    if (!descriptor.ok()) return descriptor.error();
    const BytePath name = join_path(tree.path(), relative);
    NodeDescription description;
    auto attributes = read_attributes(descriptor.value().get(), name);
    if (!attributes.ok()) return attributes.error();
    description.attributes = std::move(attributes).value();
    struct stat info {};
    if (fstat(descriptor.value().get(), &info) != 0) return posix_error(errno, "stat", name);
    description.size = static_cast<std::uint64_t>(info.st_size);
    return std::unique_ptr<SourceFile>(
        new LocalFile(std::move(descriptor).value(), std::move(description)));
  }

  const NodeDescription& description() const override { return description_; }

  Result<CopyOutcome> copy(const CopyRequest& request) override {
    CopyRequest own = request;
    own.source = descriptor_.get();
    return copy_file(own);
  }

 private:
  LocalFile(Descriptor descriptor, NodeDescription description)
      : descriptor_(std::move(descriptor)), description_(std::move(description)) {}

  const Descriptor descriptor_;
  const NodeDescription description_;
};

class LocalTree final : public SourceTree {
 public:
  explicit LocalTree(Tree tree) : tree_(std::move(tree)) {}

  Result<std::vector<Tree::Entry>> list(std::string_view relative) const override {
    return tree_.list(relative);
  }
  Result<Tree::Entry> stat(std::string_view relative) const override {
    return tree_.stat(relative);
  }
  Result<std::unique_ptr<SourceFile>> open_file(std::string_view relative) const override {
    return LocalFile::open(tree_, relative);
  }
  Result<std::string> read_text(std::string_view relative, std::size_t bytes_max) const override {
    return tree_.read_text(relative, bytes_max);
  }

  Result<NodeDescription> describe(std::string_view relative, FileKind kind) const override {
    return kind == FileKind::directory ? describe_directory(relative)
                                       : describe_node(BytePath(relative), kind);
  }

 private:
  Result<NodeDescription> describe_directory(std::string_view relative) const {
    auto directory = tree_.open_directory(relative);
    if (!directory.ok()) return directory.error();
    auto attributes = read_attributes(directory.value().get(), join_path(tree_.path(), relative));
    if (!attributes.ok()) return attributes.error();
    NodeDescription description;
    description.attributes = std::move(attributes).value();
    return description;
  }

  // By the folder it lies in: to open a pipe or a device is to do something.
  Result<NodeDescription> describe_node(const BytePath& relative, FileKind kind) const {
    const BytePath folder = parent_path(relative);
    auto directory = tree_.open_directory(folder == "." ? BytePath() : folder);
    if (!directory.ok()) return directory.error();
    const BytePath name = last_component(relative);
    const BytePath shown = join_path(tree_.path(), relative);
    NodeDescription description;
    auto attributes = read_link_attributes(directory.value().get(), name);
    if (!attributes.ok()) return attributes.error();
    description.attributes = std::move(attributes).value();
    if (kind == FileKind::symlink) {
      auto target = read_link(directory.value().get(), name, shown);
      if (!target.ok()) return target.error();
      description.link_target = std::move(target).value();
      return description;
    }
    struct stat info {};
    if (fstatat(directory.value().get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return posix_error(errno, "stat", shown);
    description.device_major = major(info.st_rdev);
    description.device_minor = minor(info.st_rdev);
    return description;
  }

  const Tree tree_;
};

}  // namespace

std::unique_ptr<SourceTree> local_source(Tree tree) {
  return std::make_unique<LocalTree>(std::move(tree));
}

}  // namespace stillframe::requestor

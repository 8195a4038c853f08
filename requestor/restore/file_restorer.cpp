#include "requestor/restore/file_restorer.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

OwnerPolicy owner_policy() {
  return geteuid() == 0 ? OwnerPolicy::required : OwnerPolicy::best_effort;
}

BytePath folder_of(const BytePath& relative) {
  const auto slash = relative.rfind('/');
  return slash == BytePath::npos ? BytePath() : relative.substr(0, slash);
}

// The parent of `relative` as a descriptor, so that renames follow no link on the way.
Result<Descriptor> parent_of(const Tree& tree, const BytePath& relative) {
  return tree.open_directory(folder_of(relative));
}

Status rename_within(const Tree& tree, const BytePath& from, const BytePath& to, bool replace) {
  auto parent = parent_of(tree, from);
  if (!parent.ok()) return parent.error();
  const int fd = parent.value().get();
  const BytePath old_name = last_component(from), new_name = last_component(to);
  if (renameat2(fd, old_name.c_str(), fd, new_name.c_str(), replace ? 0 : RENAME_NOREPLACE) != 0) {
    return posix_error(errno, "rename", join_path(tree.path(), from));
  }
  return Ok{};
}

bool there(const Tree& tree, const BytePath& relative) {
  auto parent = parent_of(tree, relative);
  struct stat info {};
  return parent.ok() && fstatat(parent.value().get(), last_component(relative).c_str(), &info,
                                AT_SYMLINK_NOFOLLOW) == 0;
}

Error changed_since(const BytePath& path) {
  return {Errc::corrupt, "stored data of '" + escape_path(path) +
                             "' is not what was backed up; run stillframe verify on the set and "
                             "restore from another copy"};
}

}  // namespace

Result<const Tree*> FileRestorer::tree_of(const BytePath& root, bool make) {
  const auto known = trees_.find(root);
  if (known != trees_.end()) return &known->second;
  if (make) {
    if (Status s = stillframe::make_directories(root, 0755); !s.ok()) return s.error();
  }
  auto tree = Tree::open(root);
  if (!tree.ok()) return tree.error();
  return &trees_.emplace(root, std::move(tree).value()).first->second;
}

// Old files first: from the moment the journal stands, a target is either untouched or named in it.
Status FileRestorer::move_aside(std::size_t index) {
  const JournalEntry& entry = journal_.entries[index];
  if (!entry.existed) return Ok{};
  auto tree = tree_of(entry.root, false);
  if (!tree.ok()) return tree.error();
  const BytePath aside = journal_.aside_name(index);
  if (there(*tree.value(), aside)) return Ok{};  // an earlier run got this far
  return rename_within(*tree.value(), entry.relative, aside, false);
}

Result<RestoreCounts> FileRestorer::run(const Progress& progress) {
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (Status s = move_aside(i); !s.ok()) return s.error().while_doing("moving old files aside");
  }
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (journal_.entries[i].source.empty()) continue;
    if (Status s = write_entry(i, progress); !s.ok()) return s.error();
  }
  if (Status s = finish_directories(); !s.ok()) return s.error();
  for (const auto& [root, tree] : trees_) {
    if (syncfs(tree.fd()) != 0) return posix_error(errno, "sync", root);
  }
  return counts_;
}

Status FileRestorer::write_entry(std::size_t index, const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  const auto stored = files_.find(entry.source);
  if (stored == files_.end()) {
    return Error(Errc::corrupt, "the backup set has no '" + escape_path(entry.source) + "'");
  }
  auto tree = tree_of(entry.root, true);
  if (!tree.ok()) return tree.error();
  const ManifestFile& file = *stored->second.back().file;
  Status written = Ok{};
  if (file.kind == FileKind::directory) {
    written = write_directory(*tree.value(), entry, file);
  } else if (file.kind == FileKind::symlink) {
    written = write_link(*tree.value(), index, file);
  } else {
    written = write_regular(*tree.value(), index, stored->second, progress);
  }
  if (!written.ok()) {
    return written.error().while_doing("restoring '" +
                                       escape_path(join_path(entry.root, entry.relative)) + "'");
  }
  if (file.kind != FileKind::directory) ++counts_.files;
  return Ok{};
}

Status FileRestorer::write_directory(const Tree& tree, const JournalEntry& entry,
                                     const ManifestFile& file) {
  if (tree.open_directory(entry.relative).ok()) return Ok{};  // stays as it is
  if (Status s = tree.make_directories(entry.relative, 0700); !s.ok()) return s;
  made_directories_.emplace_back(static_cast<std::size_t>(&entry - journal_.entries.data()), &file);
  return Ok{};
}

Status FileRestorer::write_link(const Tree& tree, std::size_t index, const ManifestFile& file) {
  const JournalEntry& entry = journal_.entries[index];
  const BytePath temporary = journal_.new_name(index);
  if (Status s = tree.make_directories(folder_of(entry.relative), 0755); !s.ok()) return s;
  if (Status s = tree.remove_all(temporary); !s.ok()) return s;
  auto parent = parent_of(tree, temporary);
  if (!parent.ok()) return parent.error();
  const BytePath name = last_component(temporary);
  if (symlinkat(file.link_target.c_str(), parent.value().get(), name.c_str()) != 0) {
    return posix_error(errno, "make link", entry.relative);
  }
  Status attributes =
      apply_link_attributes(parent.value().get(), name, file.attributes, owner_policy());
  if (!attributes.ok()) return attributes;
  return rename_within(tree, temporary, entry.relative, true);
}

Status FileRestorer::link_to_first(const Tree& tree, std::size_t index, const StoredFile& stored,
                                   bool& linked) {
  const ManifestFile& file = *stored.back().file;
  if (file.link_group == 0 || stored.size() != 1) return Ok{};
  const auto [first, is_first] =
      first_names_.emplace(std::pair(stored.back().set, file.link_group), index);
  if (is_first) return Ok{};
  const JournalEntry& original = journal_.entries[first->second];
  const JournalEntry& entry = journal_.entries[index];
  auto from_tree = tree_of(original.root, false);
  if (!from_tree.ok()) return from_tree.error();
  auto from = parent_of(*from_tree.value(), original.relative);
  if (!from.ok()) return from.error();
  if (Status s = tree.make_directories(folder_of(entry.relative), 0755); !s.ok()) return s;
  auto to = parent_of(tree, entry.relative);
  if (!to.ok()) return to.error();
  if (Status s = tree.remove_all(entry.relative); !s.ok()) return s;  // of an earlier run
  linked = linkat(from.value().get(), last_component(original.relative).c_str(), to.value().get(),
                  last_component(entry.relative).c_str(), 0) == 0;
  // Names that now lie on different file systems become files of their own.
  if (!linked && errno != EXDEV) return posix_error(errno, "link", entry.relative);
  return Ok{};
}

Status FileRestorer::write_regular(const Tree& tree, std::size_t index, const StoredFile& stored,
                                   const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  bool linked = false;
  if (entry.destination_ranges.empty()) {
    if (Status s = link_to_first(tree, index, stored, linked); !s.ok()) return s;
  }
  if (linked) return Ok{};
  const BytePath temporary = journal_.new_name(index);
  if (Status s = tree.remove_all(temporary); !s.ok()) return s;
  auto target = tree.create_file(temporary, 0600);
  if (!target.ok()) return target.error();
  const bool patches = stored.front().file->partial || !entry.destination_ranges.empty();
  if (patches) {
    if (Status s = lay_old_content(tree, index, target.value().get()); !s.ok()) return s;
  }
  if (Status s = fill(target.value().get(), index, stored, progress); !s.ok()) return s;
  const FileAttributes& attributes = stored.back().file->attributes;
  Status applied =
      apply_attributes(target.value().get(), attributes, owner_policy(), entry.relative);
  if (!applied.ok()) return applied;
  counts_.bytes += stored.back().file->size;
  return rename_within(tree, temporary, entry.relative, true);
}

// Ranges go over what the target held before: its old file, which stands aside.
Status FileRestorer::lay_old_content(const Tree& tree, std::size_t index, int target) {
  if (!journal_.entries[index].existed) return Ok{};
  auto old = tree.open_file(journal_.aside_name(index));
  if (!old.ok()) return old.error();
  CopyRequest request;
  request.source = old.value().get();
  request.destination = target;
  request.name = journal_.entries[index].relative;
  auto copied = copy_file(request);
  return copied.ok() ? Status(Ok{}) : Status(copied.error());
}

// Moves directed ranges from where the set has them to where the writer wants them.
static Status move_ranges(int source, int target, const JournalEntry& entry) {
  std::vector<char> buffer(std::size_t{1} << 20);
  for (std::size_t i = 0; i < entry.source_ranges.size(); ++i) {
    const ByteRange from = entry.source_ranges[i], to = entry.destination_ranges[i];
    for (std::uint64_t done = 0; done < from.length;) {
      const std::size_t want = std::min<std::uint64_t>(buffer.size(), from.length - done);
      const ssize_t got =
          pread(source, buffer.data(), want, static_cast<off_t>(from.offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return posix_error(errno, "read", entry.source);
      if (got == 0) return Error(Errc::writer_fatal, "a directed range passes the end of the file");
      const auto piece = std::string_view(buffer.data(), static_cast<std::size_t>(got));
      Status wrote = stillframe::write_all_at(target, piece, to.offset + done, entry.relative);
      if (!wrote.ok()) return wrote;
      done += piece.size();
    }
  }
  return Ok{};
}

Status FileRestorer::fill(int target, std::size_t index, const StoredFile& stored,
                          const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  for (const StoredVersion& version : stored) {
    auto data = version.set->open_data(version.file->path);
    if (!data.ok()) return data.error();
    const bool directed = !entry.destination_ranges.empty();
    CopyRequest request;
    request.source = data.value().get();
    request.destination = directed ? -1 : target;  // directed: read once for its hash
    request.name = version.file->path;
    request.ranges = version.file->partial ? &version.file->ranges : nullptr;
    request.observer = progress;
    auto copied = copy_file(request);
    if (!copied.ok()) return copied.error();
    if (copied.value().sha256 != version.file->sha256) return changed_since(version.file->path);
    if (!directed) continue;
    if (Status s = move_ranges(data.value().get(), target, entry); !s.ok()) return s;
  }
  return Ok{};
}

// Last, because writing into a directory changes its times; deepest first for the same reason.
Status FileRestorer::finish_directories() {
  for (auto it = made_directories_.rbegin(); it != made_directories_.rend(); ++it) {
    const JournalEntry& entry = journal_.entries[it->first];
    auto tree = tree_of(entry.root, false);
    if (!tree.ok()) return tree.error();
    auto directory = tree.value()->open_directory(entry.relative);
    if (!directory.ok()) return directory.error();
    Status applied = apply_attributes(directory.value().get(), it->second->attributes,
                                      owner_policy(), entry.relative);
    if (!applied.ok()) return applied;
  }
  return Ok{};
}

Status FileRestorer::put_back() {
  for (std::size_t i = journal_.entries.size(); i-- > 0;) {
    const JournalEntry& entry = journal_.entries[i];
    auto tree = tree_of(entry.root, false);
    if (!tree.ok() && tree.error().code() == Errc::not_found) continue;
    if (!tree.ok()) return tree.error();
    if (Status s = tree.value()->remove_all(journal_.new_name(i)); !s.ok()) return s;
    const BytePath aside = journal_.aside_name(i);
    if (there(*tree.value(), aside)) {
      Status back = rename_within(*tree.value(), aside, entry.relative, true);
      if (!back.ok()) return back;
    } else if (!entry.existed && !entry.source.empty() &&
               !tree.value()->open_directory(entry.relative).ok()) {
      // There was nothing before; directories we made stay, they may hold others' files by now.
      if (Status s = tree.value()->remove_all(entry.relative); !s.ok()) return s;
    }
  }
  for (const auto& [root, tree] : trees_) {
    if (syncfs(tree.fd()) != 0) return posix_error(errno, "sync", root);
  }
  return Ok{};
}

Status FileRestorer::drop_old() {
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (!journal_.entries[i].existed) continue;
    auto tree = tree_of(journal_.entries[i].root, false);
    if (!tree.ok()) return tree.error();
    if (Status s = tree.value()->remove_all(journal_.aside_name(i)); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::requestor

#include "requestor/restore/file_restorer.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "requestor/restore/beside.hpp"
#include "requestor/restore/target_root.hpp"

namespace stillframe::requestor {
namespace {

OwnerPolicy owner_policy() {
  return geteuid() == 0 ? OwnerPolicy::required : OwnerPolicy::best_effort;
}

// A special file, by its type; a regular file is none.
mode_t special_file_type(FileKind kind) {
  switch (kind) {
    case FileKind::fifo:
      return S_IFIFO;
    case FileKind::character_device:
      return S_IFCHR;
    case FileKind::block_device:
      return S_IFBLK;
    case FileKind::regular:
    case FileKind::directory:
    case FileKind::symlink:
    case FileKind::socket:
      return 0;
  }
  return 0;
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
  const MissingRoot missing = make ? MissingRoot::is_made : MissingRoot::is_an_error;
  // At boot nobody looks on: what was no link when the files were staged must be none now.
  auto tree = journal_.at_boot ? open_plain_root(root, missing) : open_target_root(root, missing);
  if (!tree.ok()) return tree.error();
  return &trees_.emplace(root, std::move(tree).value()).first->second;
}

Result<RestoreCounts> FileRestorer::run(const Progress& progress) {
  auto staged = stage(progress);
  if (!staged.ok()) return staged.error();
  if (Status s = swap(); !s.ok()) return s.error();
  return counts_;
}

// ---- staging

Result<RestoreCounts> FileRestorer::stage(const Progress& progress) {
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (!journal_.entries[i].directory) continue;
    if (Status s = clear_the_way(i); !s.ok()) return s.error();
  }
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    const JournalEntry& entry = journal_.entries[i];
    if (entry.source.empty()) continue;
    if (Status s = stage_entry(i, progress); !s.ok()) {
      return s.error().while_doing("restoring '" +
                                   escape_path(join_path(entry.root, entry.relative)) + "'");
    }
  }
  if (Status s = finish_directories(); !s.ok()) return s.error();
  if (Status s = sync(); !s.ok()) return s.error();
  return counts_;
}

// A file, or a link that must not be followed, where a directory has to be.
Status FileRestorer::clear_the_way(std::size_t index) {
  const JournalEntry& entry = journal_.entries[index];
  if (!entry.existed) return Ok{};
  if (journal_.at_boot) {
    return Error(Errc::already_exists, "'" + escape_path(join_path(entry.root, entry.relative)) +
                                           "' is no directory and has to become one before the "
                                           "next boot; move it away");
  }
  return move_aside(index);
}

Status FileRestorer::stage_entry(std::size_t index, const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  const auto stored = files_.find(entry.source);
  if (stored == files_.end()) {
    return Error(Errc::corrupt, "the backup set has no '" + escape_path(entry.source) + "'");
  }
  auto tree = tree_of(entry.root, true);
  if (!tree.ok()) return tree.error();
  at("stage");
  const ManifestFile& file = *stored->second.back().file;
  if (entry.directory) return tree.value()->make_directories(entry.relative, 0700);
  Status written = Ok{};
  if (file.kind == FileKind::symlink) {
    written = write_link(*tree.value(), index, file);
  } else if (special_file_type(file.kind) != 0) {
    written = write_node(*tree.value(), index, file);
  } else {
    written = write_regular(*tree.value(), index, stored->second, progress);
  }
  if (written.ok()) ++counts_.files;
  return written;
}

Status FileRestorer::write_link(const Tree& tree, std::size_t index, const ManifestFile& file) {
  const BytePath temporary = journal_.new_name(index);
  if (Status s = tree.make_directories(folder_of(temporary), 0755); !s.ok()) return s;
  if (Status s = tree.remove_all(temporary); !s.ok()) return s;
  auto parent = parent_of(tree, temporary);
  if (!parent.ok()) return parent.error();
  const BytePath name = last_component(temporary);
  if (symlinkat(file.link_target.c_str(), parent.value().get(), name.c_str()) != 0) {
    return posix_error(errno, "make link", journal_.entries[index].relative);
  }
  return apply_link_attributes(parent.value().get(), name, file.attributes, owner_policy());
}

// Pipes and devices. Who may not make devices goes without them and is told.
Status FileRestorer::write_node(const Tree& tree, std::size_t index, const ManifestFile& file) {
  const BytePath temporary = journal_.new_name(index);
  if (Status s = tree.make_directories(folder_of(temporary), 0755); !s.ok()) return s;
  if (Status s = tree.remove_all(temporary); !s.ok()) return s;
  auto parent = parent_of(tree, temporary);
  if (!parent.ok()) return parent.error();
  const BytePath name = last_component(temporary);
  const dev_t device = makedev(file.device_major, file.device_minor);
  if (mknodat(parent.value().get(), name.c_str(), special_file_type(file.kind) | 0600, device) !=
      0) {
    const Error why = posix_error(errno, "make", file.path);
    if (errno != EPERM || file.kind == FileKind::fifo) return why;
    counts_.left_out.push_back(why.what());
    return Ok{};
  }
  return apply_node_attributes(parent.value().get(), name, file.attributes, owner_policy());
}

Status FileRestorer::link_to_first(const Tree& tree, std::size_t index, const StoredFile& stored,
                                   bool& linked) {
  const ManifestFile& file = *stored.back().file;
  if (file.link_group == 0 || stored.size() != 1) return Ok{};
  const auto [first, is_first] =
      first_names_.emplace(std::pair(stored.back().set, file.link_group), index);
  if (is_first) return Ok{};
  auto from_tree = tree_of(journal_.entries[first->second].root, false);
  if (!from_tree.ok()) return from_tree.error();
  const BytePath original = journal_.new_name(first->second), name = journal_.new_name(index);
  auto from = parent_of(*from_tree.value(), original);
  if (!from.ok()) return from.error();
  auto to = parent_of(tree, name);
  if (!to.ok()) return to.error();
  linked = linkat(from.value().get(), last_component(original).c_str(), to.value().get(),
                  last_component(name).c_str(), 0) == 0;
  // Names that now lie on different file systems become files of their own.
  if (!linked && errno != EXDEV)
    return posix_error(errno, "link", journal_.entries[index].relative);
  return Ok{};
}

Status FileRestorer::write_regular(const Tree& tree, std::size_t index, const StoredFile& stored,
                                   const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  const BytePath temporary = journal_.new_name(index);
  if (Status s = tree.make_directories(folder_of(temporary), 0755); !s.ok()) return s;
  if (Status s = tree.remove_all(temporary); !s.ok()) return s;
  bool linked = false;
  if (entry.destination_ranges.empty()) {
    if (Status s = link_to_first(tree, index, stored, linked); !s.ok()) return s;
  }
  if (linked) return Ok{};
  auto target = tree.create_file(temporary, 0600);
  if (!target.ok()) return target.error();
  const bool patches = stored.front().file->partial || !entry.destination_ranges.empty();
  if (patches) {
    if (Status s = lay_old_content(tree, index, target.value().get()); !s.ok()) return s;
  }
  if (Status s = fill(tree, target.value().get(), index, stored, progress); !s.ok()) return s;
  const FileAttributes& attributes = stored.back().file->attributes;
  Status applied =
      apply_attributes(target.value().get(), attributes, owner_policy(), entry.relative);
  if (!applied.ok()) return applied;
  counts_.bytes += stored.back().file->size;
  return Ok{};
}

// Ranges go over what the target holds: its old file, which stands aside after an earlier run.
Status FileRestorer::lay_old_content(const Tree& tree, std::size_t index, int target) {
  const JournalEntry& entry = journal_.entries[index];
  if (!entry.existed) return Ok{};
  const BytePath aside = journal_.aside_name(index);
  auto old = tree.open_file(there(tree, aside) ? aside : entry.relative);
  if (!old.ok()) return old.error();
  CopyRequest request;
  request.source = old.value().get();
  request.destination = target;
  request.name = entry.relative;
  auto copied = copy_file(request);
  return copied.ok() ? Status(Ok{}) : Status(copied.error());
}

// Moves directed ranges from where the file has them to where the writer wants them.
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

Status FileRestorer::fill(const Tree& tree, int target, std::size_t index, const StoredFile& stored,
                          const Progress& progress) {
  const JournalEntry& entry = journal_.entries[index];
  const bool directed = !entry.destination_ranges.empty();
  Descriptor whole;  // of a directed file: all its versions, one over the other, without a name
  if (directed) {
    const BytePath scratch = journal_.new_name(index) + "-whole";
    if (Status s = tree.remove_all(scratch); !s.ok()) return s;
    auto made = tree.create_file(scratch, 0600);
    if (!made.ok()) return made.error();
    whole = std::move(made).value();
    if (Status s = tree.remove_all(scratch); !s.ok()) return s;
  }
  for (const StoredVersion& version : stored) {
    auto data = version.set->open_data(version.file->path);
    if (!data.ok()) return data.error();
    CopyRequest request;
    request.source = data.value().get();
    request.destination = directed ? whole.get() : target;
    request.name = version.file->path;
    request.ranges = version.file->partial ? &version.file->ranges : nullptr;
    request.observer = progress;
    auto copied = copy_file(request);
    if (!copied.ok()) return copied.error();
    if (copied.value().sha256 != version.file->sha256) return changed_since(version.file->path);
  }
  return directed ? move_ranges(whole.get(), target, entry) : Status(Ok{});
}

// Last, because writing into a directory changes its times; deepest first for the same reason.
Status FileRestorer::finish_directories() {
  for (std::size_t i = journal_.entries.size(); i-- > 0;) {
    const JournalEntry& entry = journal_.entries[i];
    if (!entry.directory) continue;
    auto tree = tree_of(entry.root, false);
    if (!tree.ok()) return tree.error();
    auto directory = tree.value()->open_directory(entry.relative);
    if (!directory.ok()) return directory.error();
    const ManifestFile& file = *files_.at(entry.source).back().file;
    Status applied =
        apply_attributes(directory.value().get(), file.attributes, owner_policy(), entry.relative);
    if (!applied.ok()) return applied;
  }
  return Ok{};
}

}  // namespace stillframe::requestor

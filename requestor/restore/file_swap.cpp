// The part of file_restorer.hpp that changes targets: the swap, the way back and the end.
#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "requestor/restore/beside.hpp"
#include "requestor/restore/file_restorer.hpp"

namespace stillframe::requestor {
namespace {

// Keeps a directory's times over renames in it.
class KeptTimes {
 public:
  explicit KeptTimes(Descriptor directory) : directory_(std::move(directory)) {
    struct stat info {};
    if (fstat(directory_.get(), &info) == 0) times_ = {{info.st_atim, info.st_mtim}};
  }
  Status put_back(const BytePath& name) const {
    if (!times_ || futimens(directory_.get(), times_->data()) == 0) return Ok{};
    return posix_error(errno, "set the times of", name);
  }

 private:
  Descriptor directory_;
  std::optional<std::array<timespec, 2>> times_;
};

}  // namespace

Status FileRestorer::swap() {
  std::vector<std::pair<const JournalEntry*, KeptTimes>> made;
  for (const JournalEntry& entry : journal_.entries) {
    if (!entry.directory) continue;
    auto tree = tree_of(entry.root, false);
    if (!tree.ok()) return tree.error();
    auto directory = tree.value()->open_directory(entry.relative);
    if (!directory.ok()) return directory.error();
    made.emplace_back(&entry, KeptTimes(std::move(directory).value()));
  }
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (journal_.entries[i].directory) continue;
    if (Status s = swap_entry(i); !s.ok()) return s.error().while_doing("putting files in place");
  }
  for (const auto& [entry, times] : made) {
    if (Status s = times.put_back(entry->relative); !s.ok()) return s;
  }
  return sync();
}

Status FileRestorer::swap_entry(std::size_t index) {
  const JournalEntry& entry = journal_.entries[index];
  if (entry.source.empty()) return move_aside(index);
  auto tree = tree_of(entry.root, false);
  if (!tree.ok()) return tree.error();
  const BytePath made = journal_.new_name(index);
  // Not there: an earlier run renamed it, or it is a device that could not be made.
  if (!there(*tree.value(), made)) return Ok{};
  if (Status s = move_aside(index); !s.ok()) return s;
  at("rename new file into place");
  return rename_within(*tree.value(), made, entry.relative, true);
}

Status FileRestorer::move_aside(std::size_t index) {
  const JournalEntry& entry = journal_.entries[index];
  if (!entry.existed) return Ok{};
  auto tree = tree_of(entry.root, false);
  if (!tree.ok()) return tree.error();
  const BytePath aside = journal_.aside_name(index);
  if (there(*tree.value(), aside)) return Ok{};            // an earlier run got this far
  if (!there(*tree.value(), entry.relative)) return Ok{};  // its owner removed it meanwhile
  at("move old file aside");
  return rename_within(*tree.value(), entry.relative, aside, false);
}

Status FileRestorer::sync() {
  for (const auto& [root, tree] : trees_) {
    if (syncfs(tree.fd()) != 0) return posix_error(errno, "sync", root);
  }
  return Ok{};
}

// ---- the way back, and the end

Status FileRestorer::put_back() {
  for (std::size_t i = journal_.entries.size(); i-- > 0;) {
    if (Status s = put_back_entry(i); !s.ok()) return s.error().while_doing("putting files back");
  }
  return sync();
}

Status FileRestorer::put_back_entry(std::size_t index) {
  const JournalEntry& entry = journal_.entries[index];
  auto opened = tree_of(entry.root, false);
  if (!opened.ok() && opened.error().code() == Errc::not_found) return Ok{};
  if (!opened.ok()) return opened.error();
  const Tree& tree = *opened.value();
  const BytePath aside = journal_.aside_name(index);
  at("put back");
  if (entry.directory) {
    // It goes only when it is empty: others may have put something into it by now.
    const bool removed = tree.remove_empty_directory(entry.relative);
    if (!there(tree, aside)) return Ok{};
    if (removed || !there(tree, entry.relative)) {
      return rename_within(tree, aside, entry.relative, false);
    }
    return Error(Errc::in_use, "'" + escape_path(join_path(entry.root, entry.relative)) +
                                   "' was a file and is a directory with something in it");
  }
  const bool swapped = entry.source.empty() || !there(tree, journal_.new_name(index));
  if (Status s = tree.remove_all(journal_.new_name(index)); !s.ok()) return s;
  if (there(tree, aside)) return rename_within(tree, aside, entry.relative, true);
  // There was nothing before. At boot, until the swap began, what is there now is not ours.
  const bool touched = !journal_.at_boot || journal_.phase == RestorePhase::swapping;
  const bool ours = touched && swapped && !entry.existed && !entry.source.empty();
  return ours ? tree.remove_all(entry.relative) : Status(Ok{});
}

Status FileRestorer::drop_old() {
  for (std::size_t i = 0; i < journal_.entries.size(); ++i) {
    if (!journal_.entries[i].existed) continue;
    auto tree = tree_of(journal_.entries[i].root, false);
    if (!tree.ok()) return tree.error();
    at("remove old file");
    if (Status s = tree.value()->remove_all(journal_.aside_name(i)); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe::requestor

#include "requestor/restore/boot_restore.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kBootIdBytesMax = 64;
const std::map<BytePath, StoredFile> kNoFiles;  // what was staged needs no set any more

BytePath name_of(const RestoreJournal& journal) {
  return journal.session.to_string() + "-" + std::to_string(journal.component) +
         std::string(kSuffix);
}

std::set<BytePath> targets_of(const RestoreJournal& journal) {
  std::set<BytePath> targets;
  for (const JournalEntry& entry : journal.entries) {
    if (!entry.directory) targets.insert(join_path(entry.root, entry.relative));
  }
  return targets;
}

Result<BytePath> real_path(const BytePath& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real) return posix_error(errno, "resolve", path);
  return BytePath(real.get());
}

// The folders by the names that lead to them without a link.
Status resolve_roots(RestoreJournal& journal) {
  std::map<BytePath, BytePath> known;
  const auto resolve = [&](BytePath& root) -> Status {
    auto [at, is_new] = known.try_emplace(root, root);
    if (is_new) {
      if (Status s = make_directories(root, 0755); !s.ok()) return s;
      auto real = real_path(root);
      if (!real.ok()) return real.error();
      at->second = std::move(real).value();
    }
    root = at->second;
    return Ok{};
  };
  for (JournalEntry& entry : journal.entries) {
    if (Status s = resolve(entry.root); !s.ok()) return s;
  }
  for (Sweep& sweep : journal.sweeps) {
    if (exists(sweep.root)) {
      if (Status s = resolve(sweep.root); !s.ok()) return s;
    }
  }
  return Ok{};
}

// One restore, from wherever it stands to its end.
Status finish_one(const PendingRestores& pending, RestoreJournal& journal,
                  const FileRestorer::StepObserver& observer) {
  const auto enter = [&](RestorePhase phase) {
    if (observer) observer("write journal");
    journal.phase = phase;
    return pending.write(journal);
  };
  if (journal.phase == RestorePhase::staged) {
    // Applications went on until the shutdown: what is there is looked at now.
    if (Status s = look_again(journal); !s.ok()) return s;
    if (Status s = enter(RestorePhase::swapping); !s.ok()) return s;
  }
  FileRestorer restorer(journal, kNoFiles);
  restorer.on_step(observer);
  if (journal.phase == RestorePhase::swapping) {
    if (Status s = restorer.swap(); !s.ok()) return s;
    // From here the old files may be gone in part, so nothing is moved any more.
    if (Status s = enter(RestorePhase::swapped); !s.ok()) return s;
  }
  if (!journal.keep_old) {
    if (Status s = restorer.drop_old(); !s.ok()) return s;
  }
  if (observer) observer("remove journal");
  return pending.remove(journal);
}

std::uint64_t files_in(const RestoreJournal& journal) {
  return static_cast<std::uint64_t>(std::count_if(
      journal.entries.begin(), journal.entries.end(),
      [](const JournalEntry& entry) { return !entry.source.empty() && !entry.directory; }));
}

StagedRestore describe(const PendingRestores::Item& item, const std::string& boot, bool now) {
  StagedRestore restore;
  restore.name = item.name;
  restore.target = item.journal.target;
  restore.problem = item.problem;
  restore.files = files_in(item.journal);
  if (!item.problem.empty()) {
    restore.state = StagedState::failed;
  } else if (item.journal.phase == RestorePhase::copying) {
    restore.state = StagedState::incomplete;
    restore.problem =
        "its requestor died before every file was staged; take it back with "
        "stillframe restore abandon and restore again";
  } else if (item.journal.phase == RestorePhase::staged && item.journal.boot == boot && !now) {
    restore.state = StagedState::waiting;
  } else {
    restore.state = StagedState::finished;  // once it has been carried out
  }
  return restore;
}

}  // namespace

BytePath default_pending_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  BytePath base = "/var/lib";
  if (geteuid() != 0) {
    base = state != nullptr && *state != '\0'
               ? BytePath(state)
               : BytePath(home == nullptr ? "" : home) + "/.local/state";
  }
  return base + "/stillframe/pending-restores";
}

Result<std::string> current_boot() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", kBootIdBytesMax);
  if (!id.ok()) return id.error();
  while (!id.value().empty() && id.value().back() == '\n') id.value().pop_back();
  return id;
}

Result<PendingRestores> PendingRestores::open(const BytePath& folder) {
  if (Status s = make_directories(folder, 0700); !s.ok()) return s.error();
  auto tree = Tree::open(folder);
  if (!tree.ok()) return tree.error();
  struct stat info {};
  if (fstat(tree.value().fd(), &info) != 0) return posix_error(errno, "look at", folder);
  if (info.st_uid != geteuid() || (info.st_mode & 022) != 0) {
    return Error(Errc::access_denied, "folder '" + escape_path(folder) +
                                          "' belongs to another user or others may write to it; "
                                          "chown it and chmod 0700");
  }
  return PendingRestores(std::move(tree).value());
}

Result<std::vector<PendingRestores::Item>> PendingRestores::list() const {
  auto entries = tree_.list("");
  if (!entries.ok()) return entries.error();
  std::vector<Item> items;
  for (const Tree::Entry& entry : entries.value()) {
    if (!entry.name.ends_with(kSuffix)) continue;  // one that was being written
    Item item;
    item.name = entry.name;
    auto text = tree_.read_text(entry.name, kRestoreJournalBytesMax);
    auto journal =
        text.ok() ? parse_restore_journal(text.value()) : Result<RestoreJournal>(text.error());
    if (journal.ok() && !journal.value().at_boot) {
      journal = Error(Errc::corrupt, "it is no restore that waits for a boot");
    }
    if (journal.ok()) item.journal = std::move(journal).value();
    if (!journal.ok()) item.problem = journal.error().what();
    items.push_back(std::move(item));
  }
  return items;
}

Status PendingRestores::write(const RestoreJournal& journal) const {
  return tree_.replace(name_of(journal), to_json(journal));
}

Status PendingRestores::remove(const RestoreJournal& journal) const {
  if (Status s = tree_.remove_all(name_of(journal)); !s.ok()) return s;
  return tree_.sync_directory("");
}

Status PendingRestores::refuse_overlap(const RestoreJournal& journal) const {
  auto items = list();
  if (!items.ok()) return items.error();
  const std::set<BytePath> wanted = targets_of(journal);
  for (const Item& item : items.value()) {
    for (const BytePath& target : targets_of(item.journal)) {
      if (!wanted.contains(target)) continue;
      return Error(Errc::in_progress,
                   "'" + escape_path(target) + "' waits for the next boot, when the restore of " +
                       item.journal.target +
                       " replaces it; take that back with stillframe restore abandon " +
                       escape_path(parent_path(target)) + ", or boot first");
    }
  }
  return Ok{};
}

Result<RestoreCounts> stage_for_boot(const PendingRestores& pending, RestoreJournal& journal,
                                     const std::map<BytePath, StoredFile>& files,
                                     const FileRestorer::Progress& progress) {
  auto boot = current_boot();
  if (!boot.ok()) return boot.error();
  journal.boot = std::move(boot).value();
  if (Status s = resolve_roots(journal); !s.ok()) return s.error();
  if (Status s = pending.refuse_overlap(journal); !s.ok()) return s.error();
  if (Status s = pending.write(journal); !s.ok()) return s.error();
  FileRestorer restorer(journal, files);
  auto counts = restorer.stage(progress);
  if (counts.ok()) {
    journal.phase = RestorePhase::staged;
    Status written = pending.write(journal);
    if (written.ok()) return counts;
    journal.phase = RestorePhase::copying;
    counts = written.error();
  }
  // The journal stays when its files cannot be removed: it is what names them.
  Status back = restorer.put_back();
  if (back.ok()) back = pending.remove(journal);
  if (back.ok()) return counts;
  return counts.error().while_doing(
      "nothing was restored, but staged files could not be removed (" + back.error().what() + ")");
}

std::string_view to_string(StagedState state) noexcept {
  switch (state) {
    case StagedState::finished:
      return "finished";
    case StagedState::waiting:
      return "waiting";
    case StagedState::incomplete:
      return "incomplete";
    case StagedState::failed:
      return "failed";
  }
  return "failed";
}

Result<std::vector<StagedRestore>> finish_staged(const FinishRequest& request) {
  auto pending = PendingRestores::open(request.pending);
  if (!pending.ok()) return pending.error();
  auto boot = request.boot.empty() ? current_boot() : Result<std::string>(request.boot);
  if (!boot.ok()) return boot.error();
  auto items = pending.value().list();
  if (!items.ok()) return items.error();
  std::vector<StagedRestore> restores;
  for (PendingRestores::Item& item : items.value()) {
    StagedRestore restore = describe(item, boot.value(), request.now);
    if (request.look && restore.state == StagedState::finished) {
      restore.state = StagedState::waiting;
    } else if (restore.state == StagedState::finished) {
      Status done = finish_one(pending.value(), item.journal, request.observer);
      if (!done.ok()) restore.state = StagedState::failed;
      if (!done.ok()) restore.problem = done.error().what();
    }
    restores.push_back(std::move(restore));
  }
  return restores;
}

Result<std::vector<StagedRestore>> abandon_staged(const BytePath& folder, const BytePath& target) {
  auto pending = PendingRestores::open(folder);
  if (!pending.ok()) return pending.error();
  auto items = pending.value().list();
  if (!items.ok()) return items.error();
  auto real = real_path(target);
  const BytePath wanted = real.ok() ? real.value() : tidy_path(target);
  std::vector<StagedRestore> abandoned;
  for (PendingRestores::Item& item : items.value()) {
    const auto targets = targets_of(item.journal);
    const bool meant = std::any_of(targets.begin(), targets.end(),
                                   [&](const BytePath& path) { return is_within(path, wanted); });
    if (!meant) continue;
    if (item.journal.phase == RestorePhase::swapped) {
      return Error(Errc::wrong_state, "the restore of " + item.journal.target +
                                          " is in place already; stillframe restore finish-staged "
                                          "removes what is left of it");
    }
    FileRestorer restorer(item.journal, kNoFiles);
    if (Status s = restorer.put_back(); !s.ok()) return s.error();
    if (Status s = pending.value().remove(item.journal); !s.ok()) return s.error();
    abandoned.push_back(
        {item.name, item.journal.target, StagedState::finished, "", files_in(item.journal)});
  }
  if (!abandoned.empty()) return abandoned;
  return Error(Errc::not_found, "no restore waits for the next boot to replace files of '" +
                                    escape_path(target) + "'");
}

}  // namespace stillframe::requestor

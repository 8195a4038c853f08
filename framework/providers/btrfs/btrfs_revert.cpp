#include "framework/providers/btrfs/btrfs_revert.hpp"

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/btrfs/revert_plan.hpp"
#include "framework/providers/btrfs/subvolume_swap.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kJournalBytesMax = std::size_t{4} << 20;

Status roll_back(SubvolumeSwap& swap, const Status& why) {
  Status dropped = swap.drop_next();
  Status mounted = swap.mount_all();
  if (!dropped.ok()) return dropped.error().while_doing(why.error().what() + "; and undoing it");
  if (!mounted.ok()) return mounted.error().while_doing(why.error().what() + "; and undoing it");
  (void)swap.forget();
  return why;
}

Status recover_one(const WorkEnvironment& environment, const BytePath& path) {
  auto bytes = read_file(path, kJournalBytesMax);
  if (!bytes.ok()) return bytes.error();
  auto journal = parse_revert_journal(bytes.value());
  if (!journal.ok()) return journal.error();
  const bool forward = journal.value().swapping;
  SubvolumeSwap swap(environment, std::move(journal).value());
  auto lock = swap.lock();
  if (!lock.ok()) return lock.error().code() == Errc::in_progress ? Status(Ok{}) : lock.error();
  if (!exists(path)) return Ok{};  // whoever held the lock has finished it
  if (Status s = swap.open_top(); !s.ok()) return s;
  if (forward) {
    if (Status s = swap.finish(); !s.ok()) return s;
  } else {
    if (Status s = swap.drop_next(); !s.ok()) return s;
    if (Status s = swap.mount_all(); !s.ok()) return s;
  }
  environment.inform(ProviderEvent::revert_resumed, std::string(forward ? "finished" : "undid") +
                                                        " an interrupted revert of '" +
                                                        escape_path(swap.journal().volume) + "'");
  return swap.forget();
}

}  // namespace

Status revert_subvolume(const WorkEnvironment& environment, const StoredSnapshot& snapshot,
                        bool force) {
  if (!force) {
    if (Status s = refuse_if_busy(snapshot.record.info.volume); !s.ok()) return s;
  }
  auto journal = plan_revert(environment, snapshot);
  if (!journal.ok()) return journal.error();
  SubvolumeSwap swap(environment, std::move(journal).value());
  auto lock = swap.lock();
  if (!lock.ok()) return lock.error();
  if (Status s = swap.open_top(); !s.ok()) return s;
  if (Status s = swap.write_journal(); !s.ok()) return s;
  if (Status s = environment.at("revert.journal"); !s.ok()) return roll_back(swap, s);
  Status built = swap.build_next(snapshot.record, snapshot.directory);
  if (built.ok()) built = environment.at("revert.built");
  if (!built.ok()) return roll_back(swap, built);
  Status unmounted = swap.unmount_all(force);
  if (unmounted.ok()) unmounted = environment.at("revert.unmounted");
  if (!unmounted.ok()) return roll_back(swap, unmounted);
  if (Status s = swap.swap(); !s.ok()) return s;
  if (Status s = swap.finish(); !s.ok()) return s;
  environment.inform(ProviderEvent::revert_finished,
                     "the state before the revert is kept in subvolume '/" +
                         escape_path(swap.journal().aside) + "'; delete it when it is not needed");
  return swap.forget();
}

void recover_reverts(const WorkEnvironment& environment) {
  const BytePath directory = revert_journals_in(environment);
  auto open = open_directory(directory);
  if (!open.ok()) return;
  auto names = list_names(open.value().get());
  if (!names.ok()) return;
  for (const auto& name : names.value()) {
    if (name.size() < 5 || name.compare(name.size() - 5, 5, ".json") != 0) continue;
    Status done = recover_one(environment, join_path(directory, name));
    if (!done.ok()) {
      environment.warn(ProviderEvent::leftover_kept, "cannot finish the interrupted revert in '" +
                                                         escape_path(name) +
                                                         "': " + done.error().what());
    }
  }
}

}  // namespace stillframe

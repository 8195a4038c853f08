#include "writers/ese/recovery/recover_copy.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

Status copy_file(Files& files, const BytePath& from, const BytePath& to) {
  auto source = files.open(from, FileAccess::read);
  if (!source.ok()) return source.error();
  const auto size = source.value()->size();
  if (!size.ok()) return size.error();
  auto target = files.create(to);
  if (!target.ok()) return target.error();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kCopyBytes, size.value()));
  for (std::uint64_t at = 0; at < size.value(); at += buffer.size()) {
    const auto count = std::min<std::uint64_t>(buffer.size(), size.value() - at);
    const MutableBytes part = MutableBytes(buffer).first(count);
    if (Status read = source.value()->read(at, part); !read.ok()) return read;
    if (Status written = target.value()->write(at, part); !written.ok()) return written;
  }
  return target.value()->sync();
}

bool needs_work(const PlannedDatabase& database) {
  return database.action == PlannedAction::redo || database.action == PlannedAction::create;
}

Status remove_if_there(Files& files, const BytePath& path) {
  return files.exists(path) ? files.remove(path) : Status(Ok{});
}

class Copies {
 public:
  Copies(Files& files, const BytePath& to) : files_(files), to_(to) {}

  // Where the copy of each database will be.
  Status choose(const RecoveryPlan& plan) {
    std::set<BytePath> names;
    for (const PlannedDatabase& database : plan.databases) {
      if (!needs_work(database)) continue;
      const BytePath name = to_ + "/" + last_component(database.file);
      if (files_.exists(name) || !names.insert(name).second) {
        return Error(Errc::already_exists, "'" + escape_path(name) +
                                               "' would be made twice or is there already; give "
                                               "an empty folder, or one database at a time");
      }
      if (files_.exists(journal_path(database.file))) {
        return Error(Errc::wrong_state, "the recovery of '" + escape_path(database.file) +
                                            "' in place was interrupted; finish it in place first");
      }
      copies_.push_back({database, name, name + ".partial"});
    }
    return Ok{};
  }

  Status copy(DatabasePlaces& places) {
    for (const Copy& each : copies_) {
      for (const BytePath& left : {each.partial, journal_path(each.partial)}) {
        if (Status removed = remove_if_there(files_, left); !removed.ok()) return removed;
      }
      places.copies[each.database.file] = each.partial;
      if (each.database.action == PlannedAction::create) continue;
      if (Status copied = copy_file(files_, each.database.file, each.partial); !copied.ok()) {
        return copied;
      }
      auto restored = restore_sheltered(files_, each.partial, shelter_path(each.database.file));
      if (!restored.ok()) return restored.error();
    }
    return Ok{};
  }

  Result<std::vector<BytePath>> name_them() {
    std::vector<BytePath> made;
    for (const Copy& each : copies_) {
      if (Status named = files_.rename(each.partial, each.final_name); !named.ok()) {
        return named.error();
      }
      made.push_back(each.final_name);
    }
    if (Status synced = files_.sync_directory(to_); !synced.ok()) return synced.error();
    return made;
  }

  void remove_partial() {
    for (const Copy& each : copies_) (void)remove_if_there(files_, each.partial);
  }

 private:
  struct Copy {
    PlannedDatabase database;
    BytePath final_name, partial;
  };

  Files& files_;
  const BytePath& to_;
  std::vector<Copy> copies_;
};

}  // namespace

Result<RecoveredCopies> recover_copies(Files& files, const RecoveryOptions& options,
                                       const BytePath& to) {
  auto plan = plan_recovery(files, options);
  if (!plan.ok()) return plan.error();
  if (!plan.value().anything_to_do()) {
    return RecoveredCopies{{std::move(plan).value(), {}}, {}};
  }
  if (Status made = files.make_directory(to); !made.ok()) return made.error();
  Copies copies(files, to);
  if (Status chosen = copies.choose(plan.value()); !chosen.ok()) return chosen.error();
  RecoveryOptions on_copies = options;
  if (Status copied = copies.copy(on_copies.databases); !copied.ok()) return copied.error();
  auto report = recover(files, on_copies);
  if (!report.ok()) {
    copies.remove_partial();
    return report.error();
  }
  auto made = copies.name_them();
  if (!made.ok()) return made.error();
  // What people want to see is where the databases came from.
  report.value().plan = std::move(plan).value();
  return RecoveredCopies{std::move(report).value(), std::move(made).value()};
}

}  // namespace stillframe::ese

#include "writers/dedup/jobs/garbage_collection.hpp"

#include <cerrno>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

Status expect_no_mount(int root, const BytePath& path) {
  struct statx about {};
  if (::statx(root, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &about) != 0) {
    return posix_error(errno, "examine", path);
  }
  if ((about.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return Ok{};
  return Error(Errc::in_use, "'" + escape_path(path) +
                                 "' has something mounted on it, which hides files of the volume; "
                                 "unmount it and collect again");
}

class GarbageCollectionRun {
 public:
  GarbageCollectionRun(const JobVolume& volume, CollectionExtent extent, JobControl& control,
                       const TellGarbageCollection& tell)
      : volume_(volume), full_(extent == CollectionExtent::full), control_(control), tell_(tell) {}

  Status run() {
    const auto lock = begin_job(volume_);
    if (!lock.ok()) return lock.error();
    report.began = true;
    if (Status s = control_.wait_to_go_on(); !s.ok()) return s;
    Status begun = Ok{};
    volume_.files.exclusively([&] { begun = begin(); });
    if (!begun.ok()) return begun;
    const Status collected = collect();
    // Its end is one of the store's, which others are using.
    volume_.files.exclusively([&] { collection_.reset(); });
    return collected;
  }

  GarbageCollectionReport report;

 private:
  // In one go: a file that is renamed while the marks are read could be missed, and its content
  // would be dropped.
  Status begin() {
    if (Status s = forget_files_that_are_gone(); !s.ok()) return s;
    // Before anything is dropped that an entry names which a crash could bring back.
    if (Status s = volume_.parts.table.compact_if_due(); !s.ok()) return s;
    if (Status s = volume_.parts.table.renew_index_if_due(); !s.ok()) return s;
    // Second copies of what nobody has any more would wait for a scrub.
    if (volume_.parts.table.files().empty()) {
      if (const auto none = volume_.parts.store.keep_copies({}); !none.ok()) return none.error();
    }
    auto collection = volume_.parts.store.begin_collection(full_);
    if (!collection.ok()) return collection.error();
    collection_ = std::move(collection).value();
    progress_.files = volume_.parts.table.files().size();
    for (const auto& [file, record] : volume_.parts.table.files()) {
      if (Status s = collection_->mark(record.stream); !s.ok()) {
        return s.error().while_doing("keep the content of deduplicated file " + file.to_string());
      }
      ++progress_.marked;
      tell();
    }
    return Ok{};
  }

  Status forget_files_that_are_gone() {
    auto in_use = volume_.files.in_use();
    if (!in_use.ok()) return in_use.error().while_doing("ask which files are open");
    std::set<FileId> there = std::move(in_use).value();
    // What a mount hides is there all the same.
    const auto enters = [&](const BytePath& folder) {
      const Status seen = expect_no_mount(volume_.root, folder);
      if (!seen.ok()) report.failures.add(folder, seen.error());
      return seen.ok();
    };
    const Status walked = for_each_file(volume_.root, enters, [&](const FoundFile& file) -> Status {
      if (Status seen = expect_no_mount(volume_.root, file.path); !seen.ok()) {
        report.failures.add(file.path, seen.error());
        return Ok{};
      }
      const auto mark = mark_of(volume_.root, file.path);
      if (!mark.ok()) {
        report.failures.add(file.path, mark.error());
      } else if (mark.value() && mark.value()->store == volume_.parts.store_id) {
        there.insert(mark.value()->file);
      }
      return Ok{};
    });
    if (!walked.ok()) return walked.error().while_doing("look for files that are gone");
    if (report.failures.count() > 0) return Ok{};
    std::vector<FileId> gone;
    for (const auto& [file, record] : volume_.parts.table.files()) {
      if (there.count(file) == 0) gone.push_back(file);
    }
    for (const FileId& file : gone) {
      if (Status s = volume_.parts.table.forget(file); !s.ok()) return s;
      ++report.forgotten;
    }
    return volume_.parts.table.sync();
  }

  Status collect() {
    using chunkstore::Collection, chunkstore::PlannedContainer;
    auto plan = collection_->plan(full_ ? Collection::kFull : Collection::kRegular);
    if (!plan.ok()) return plan.error();
    report.plan = std::move(plan).value();
    const std::vector<PlannedContainer>& planned = report.plan.containers;
    for (const PlannedContainer& each : planned) progress_.bytes += each.bytes;
    Status wish = Ok{};
    std::size_t begun = 0;  // it asks before each, in their order
    auto result = collection_->run([&] {
      if (begun > 0) count(planned[begun - 1]);
      ++begun;
      wish = control_.wait_to_go_on();
      return wish.ok();
    });
    if (begun == planned.size() && begun > 0) count(planned[begun - 1]);
    if (!result.ok()) return result.error();
    report.result = std::move(result).value();
    return wish;
  }

  void count(const chunkstore::PlannedContainer& done) {
    control_.moved(done.live_bytes);  // the rest is not read
    progress_.done_bytes += done.bytes;
    tell();
  }
  void tell() const {
    if (tell_) tell_(progress_);
  }

  const JobVolume& volume_;
  const bool full_;
  JobControl& control_;
  const TellGarbageCollection& tell_;
  GarbageCollectionProgress progress_;
  std::unique_ptr<chunkstore::Collection> collection_;
};

}  // namespace

GarbageCollectionReport collect_garbage(const JobVolume& volume, CollectionExtent extent,
                                        JobControl& control, const TellGarbageCollection& tell) {
  GarbageCollectionRun run(volume, extent, control, tell);
  run.report.ended = run.run();
  return std::move(run.report);
}

}  // namespace stillframe::dedup

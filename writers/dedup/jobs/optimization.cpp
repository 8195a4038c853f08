#include "writers/dedup/jobs/optimization.hpp"

#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"
#include "writers/dedup/volume/optimizer.hpp"

namespace stillframe::dedup {

namespace {

std::int64_t modified_ns_of(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// The machine's trouble, which the next file would meet as well.
bool ends_the_job(const Error& error) {
  return error.code() == Errc::no_space || error.code() == Errc::out_of_resources;
}

class OptimizationRun {
 public:
  OptimizationRun(const JobVolume& volume, const OptimizationOptions& options, JobControl& control)
      : volume_(volume),
        options_(options),
        control_(control),
        batch_bytes_max_(control.bytes_at_once(options.batch_bytes_max)) {}

  Status run() {
    const auto lock = begin_job(volume_);
    if (!lock.ok()) return lock.error();
    report.began = true;
    const Status walked = for_each_file(
        volume_.root,
        [this](const BytePath& folder) { return !excludes_folder(options_.policy, folder); },
        [this](const FoundFile& file) { return consider(file); });
    const Status done = walked.ok() ? optimize_waiting() : walked;
    if (!done.ok()) return done;
    Status indexed = Ok{};
    volume_.files.exclusively([&] { indexed = volume_.parts.table.renew_index_if_due(); });
    return indexed;
  }

  OptimizationReport report;

 private:
  struct Waiting {
    BytePath path;
    std::int64_t modified_ns = 0;
    std::uint64_t bytes = 0;
  };
  struct Batched {
    BytePath path;
    LookedAtFile before;
    std::uint64_t bytes = 0;
  };

  Status consider(const FoundFile& file) {
    const auto bytes = static_cast<std::uint64_t>(file.status.st_size);
    const std::int64_t modified_ns = modified_ns_of(file.status);
    ++report.files;
    report.bytes += bytes;
    switch (judge(options_.policy, file.path, {bytes, modified_ns}, options_.now_ns)) {
      case PolicyVerdict::excluded:
        ++report.excluded;
        return control_.wait_to_go_on();
      case PolicyVerdict::too_small:
        ++report.too_small;
        return control_.wait_to_go_on();
      case PolicyVerdict::too_young:
        ++report.too_young;
        return control_.wait_to_go_on();
      case PolicyVerdict::optimize:
        break;
    }
    ++report.in_policy;
    report.in_policy_bytes += bytes;
    waiting_.push_back({file.path, modified_ns, bytes});
    waiting_bytes_ += bytes;
    const bool full =
        waiting_.size() >= options_.batch_files_max || waiting_bytes_ >= batch_bytes_max_;
    return full ? optimize_waiting() : control_.wait_to_go_on();
  }

  Status optimize_waiting() {
    while (!waiting_.empty()) {
      if (Status s = control_.wait_to_go_on(); !s.ok()) return s;
      Status done = Ok{};
      volume_.files.exclusively([&] { done = optimize_batch(); });
      if (!done.ok()) return done;
      if (options_.progress) options_.progress(report);
    }
    waiting_bytes_ = 0;
    return Ok{};
  }

  // What is waiting, or less of it if somebody wants the job to stop or wait.
  Status optimize_batch() {
    Optimizer optimizer(volume_.parts);
    std::vector<Batched> batch;
    std::size_t taken = 0;
    Status ended = Ok{};
    while (ended.ok() && taken < waiting_.size() && (taken == 0 || !control_.has_a_wish())) {
      ended = add(waiting_[taken++], optimizer, batch);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (batch.empty()) return ended;
    const auto done = optimizer.commit();
    if (!done.ok()) return done.error().while_doing("commit what was optimized");
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (Status s = count(batch[i], done.value().at(i)); ended.ok()) ended = s;
    }
    return ended;
  }

  // An error is one that ends the job.
  Status add(const Waiting& wanted, Optimizer& optimizer, std::vector<Batched>& batch) {
    auto before = LookedAtFile::open(volume_.root, wanted.path, volume_.files);
    if (!before.ok() && before.error().code() == Errc::not_found) {
      ++report.vanished;
      return Ok{};
    }
    if (!before.ok()) return set_aside(wanted.path, before.error());
    const FileVersion version = before.value().version();
    if (version.modified_ns != wanted.modified_ns || version.bytes != wanted.bytes) {
      ++report.in_use;
      return Ok{};
    }
    if (is_optimized(before.value().mark())) {
      ++report.already_optimized;
      return Ok{};
    }
    const auto file = volume_.files.open(wanted.path);
    if (!file.ok()) return set_aside(wanted.path, file.error());
    // By its name, and the name may have become another's.
    const auto opened = file.value()->lower().version();
    if (!opened.ok()) return set_aside(wanted.path, opened.error());
    if (opened.value() != version) {
      ++report.in_use;
      return Ok{};
    }
    control_.moved(wanted.bytes);
    if (Status s = optimizer.add(*file.value()); !s.ok()) return set_aside(wanted.path, s.error());
    batch.push_back({wanted.path, std::move(before).value(), wanted.bytes});
    return Ok{};
  }

  bool is_optimized(const std::optional<Stub>& mark) const {
    if (!mark || mark->store != volume_.parts.store_id) return false;
    const FileRecord* record = volume_.parts.table.find(mark->file);
    return record != nullptr && record->map.bytes_from(Source::local) == 0;
  }

  Status set_aside(const BytePath& path, const Error& why) {
    if (why.code() == Errc::in_use) {
      ++report.in_use;
    } else {
      report.failures.add(path, why);
      if (ends_the_job(why)) return why.while_doing("optimize '" + escape_path(path) + "'");
    }
    return Ok{};
  }

  Status count(const Batched& one, const OptimizedFile& became) {
    if (!became.status.ok()) return set_aside(one.path, became.status.error());
    ++report.optimized;
    report.optimized_bytes += one.bytes;
    report.new_bytes += became.new_bytes;
    if (Status s = one.before.put_times_back(); !s.ok()) report.failures.add(one.path, s.error());
    return Ok{};
  }

  const JobVolume& volume_;
  const OptimizationOptions& options_;
  JobControl& control_;
  const std::uint64_t batch_bytes_max_;
  std::vector<Waiting> waiting_;
  std::uint64_t waiting_bytes_ = 0;
};

}  // namespace

OptimizationReport optimize_volume(const JobVolume& volume, const OptimizationOptions& options,
                                   JobControl& control) {
  OptimizationRun run(volume, options, control);
  run.report.ended = run.run();
  return std::move(run.report);
}

}  // namespace stillframe::dedup

#include "writers/dedup/jobs/unoptimization.hpp"

#include <utility>

#include "framework/base/path.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {

namespace {

class UnoptimizationRun {
 public:
  UnoptimizationRun(const JobVolume& volume, const UnoptimizationOptions& options,
                    JobControl& control)
      : volume_(volume), options_(options), control_(control) {}

  Status run() {
    const auto lock = begin_job(volume_);
    if (!lock.ok()) return lock.error();
    report.began = true;
    return for_each_file(volume_.root, {},
                         [this](const FoundFile& found) { return look_at(found.path); });
  }

  UnoptimizationReport report;

 private:
  Status look_at(const BytePath& path) {
    if (Status s = control_.wait_to_go_on(); !s.ok()) return s;
    const auto mark = mark_of(volume_.root, path);
    if (!mark.ok() && mark.error().code() == Errc::not_found) return Ok{};  // deleted meanwhile
    if (!mark.ok()) return set_aside(path, mark.error());
    if (!mark.value()) return Ok{};
    Status done = Ok{};
    volume_.files.exclusively([&] { done = restore(path); });
    if (!done.ok()) return set_aside(path, done.error());
    if (options_.progress) options_.progress(report);
    return Ok{};
  }

  Status restore(const BytePath& path) {
    const auto before = LookedAtFile::open(volume_.root, path, volume_.files);
    if (!before.ok()) return before.error();
    const auto file = volume_.files.open(path);
    if (!file.ok()) return file.error();
    const ExtentMap& map = file.value()->map();
    const std::uint64_t needed = map.file_bytes() - map.bytes_from(Source::local);
    if (Status s = expect_free_space(volume_.root, needed, options_.free_bytes_min); !s.ok()) {
      return s;
    }
    control_.moved(map.bytes_from(Source::store));
    if (Status s = file.value()->restore(); !s.ok()) return s;
    ++report.restored;
    report.restored_bytes += file.value()->bytes();
    return before.value().put_times_back();
  }

  Status set_aside(const BytePath& path, const Error& why) {
    if (why.code() == Errc::no_space) {
      return why.while_doing("restore '" + escape_path(path) + "'");
    }
    if (why.code() == Errc::in_use) {
      ++report.in_use;
    } else {
      report.failures.add(path, why);
    }
    return Ok{};
  }

  const JobVolume& volume_;
  const UnoptimizationOptions& options_;
  JobControl& control_;
};

}  // namespace

UnoptimizationReport unoptimize_volume(const JobVolume& volume,
                                       const UnoptimizationOptions& options, JobControl& control) {
  UnoptimizationRun run(volume, options, control);
  run.report.ended = run.run();
  return std::move(run.report);
}

}  // namespace stillframe::dedup

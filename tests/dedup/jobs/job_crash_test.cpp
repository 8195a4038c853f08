// The process is killed at every change that a job makes, in the store, in the table and in files.
// Every file reads the same afterwards, nothing in the store is damaged, and the next job ends what
// that one began.
#include <map>

#include <gtest/gtest.h>

#include "tests/dedup/jobs/job_fixture.hpp"
#include "tests/io/support/stopping_files.hpp"
#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"
#include "writers/dedup/jobs/unoptimization.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::StoppingFiles;
using tests::Blob;
using tests::OpenVolume;

// A file of a process that may be killed.
class StoppingLower final : public LowerFile {
 public:
  StoppingLower(std::unique_ptr<LowerFile> below, StoppingFiles& process)
      : below_(std::move(below)), process_(process) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    return below_->read(offset, into);
  }
  Status write(std::uint64_t offset, Bytes from) override {
    return process_.change() ? below_->write(offset, from) : killed();
  }
  Result<std::uint64_t> size() const override { return below_->size(); }
  Status resize(std::uint64_t bytes) override {
    return process_.change() ? below_->resize(bytes) : killed();
  }
  Status punch(std::uint64_t offset, std::uint64_t bytes) override {
    return process_.change() ? below_->punch(offset, bytes) : killed();
  }
  Status sync() override { return process_.change() ? Status(Ok{}) : killed(); }
  Result<FileVersion> version() const override { return below_->version(); }
  Result<std::optional<Stub>> mark() const override { return below_->mark(); }
  Status set_mark(const std::optional<Stub>& mark) override {
    return process_.change() ? below_->set_mark(mark) : killed();
  }
  std::uint64_t block_bytes() const override { return below_->block_bytes(); }

 private:
  static Status killed() { return Error(Errc::io, "the process was killed"); }

  const std::unique_ptr<LowerFile> below_;
  StoppingFiles& process_;
};

class StoppingJobFiles final : public JobFiles {
 public:
  StoppingJobFiles(std::string root, VolumeParts volume, StoppingFiles& process)
      : root_(std::move(root)), volume_(volume), process_(process) {}

  void exclusively(const std::function<void()>& work) override {
    work();
    open_.clear();
  }
  Result<DedupFile*> open(const BytePath& path) override {
    auto handle = open_file(root_ + "/" + path, O_RDWR | O_NOFOLLOW);
    if (!handle.ok()) return handle.error();
    auto lower = posix_lower_file(std::move(handle).value(), path);
    if (!lower.ok()) return lower.error();
    auto file = DedupFile::open(
        volume_, std::make_unique<StoppingLower>(std::move(lower).value(), process_));
    if (!file.ok()) return file.error();
    open_.push_back(std::move(file).value());
    return open_.back().get();
  }
  Result<std::set<FileId>> in_use() const override { return std::set<FileId>(); }
  Use use_of(dev_t, ino_t) const override { return Use::ask_the_kernel; }

 private:
  const std::string root_;
  const VolumeParts volume_;
  StoppingFiles& process_;
  std::vector<std::unique_ptr<DedupFile>> open_;
};

class JobCrash : public tests::JobTest {
 protected:
  static constexpr std::int64_t kForEver = std::int64_t{1} << 60;

  void TearDown() override { end_process(); }

  void end_process() {
    job_files_.reset();
    opened_.reset();
    process_.reset();
  }
  // A process that lives for so many changes. Whether it could open the volume.
  bool begin_process(std::int64_t changes) {
    end_process();
    files_.reset();
    open_.reset();
    process_.emplace(*io_, changes);
    auto opened = OpenVolume::open(*process_, own(), id_);
    if (!opened.ok()) {
      EXPECT_TRUE(process_->stopped()) << opened.error().what();
      return false;
    }
    opened_.emplace(std::move(opened).value());
    job_files_.emplace(folder_.path(), opened_->parts(), *process_);
    return true;
  }
  JobVolume in_process() {
    return {root_.get(), opened_->parts(), *job_files_, *process_, own() + "/" + kStoreFolder};
  }

  Status run_optimization() {
    OptimizationOptions with = options();
    with.batch_files_max = 2;
    const auto report = optimize_volume(in_process(), with, control_);
    return report.failures.count() > 0 ? Status(report.failures.named()[0].why) : report.ended;
  }
  Status run_collection() {
    const auto report = collect_garbage(in_process(), CollectionExtent::full, control_);
    return report.failures.count() > 0 ? Status(report.failures.named()[0].why) : report.ended;
  }
  Status run_unoptimization() {
    const auto report = unoptimize_volume(in_process(), {}, control_);
    return report.failures.count() > 0 ? Status(report.failures.named()[0].why) : report.ended;
  }

  void expect_contents() {
    for (const auto& [name, expected] : model_) {
      Result<Blob> found = Error(Errc::internal, "not read");
      job_files_->exclusively([&, file = name] {
        const auto open = job_files_->open(file);
        found = open.ok() ? tests::contents(*open.value()) : Result<Blob>(open.error());
      });
      ASSERT_TRUE(found.ok()) << name << ": " << found.error().what();
      ASSERT_TRUE(found.value() == expected) << name;
    }
  }
  void expect_sound() {
    const auto report = scrub_volume(in_process(), {chunkstore::ScrubDepth::deep, 0, {}}, control_);
    ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
    for (const auto& each : report.store.damage) ADD_FAILURE() << each.error.what();
    ASSERT_TRUE(report.damaged.empty());
  }

  // `prepare` makes the state before the job, from whatever the round before has left.
  void kill_everywhere(const std::function<Status()>& prepare, const std::function<Status()>& job) {
    for (std::int64_t changes = 0; changes < 2000; ++changes) {
      SCOPED_TRACE("killed after " + std::to_string(changes) + " changes");
      ASSERT_TRUE(begin_process(kForEver));
      const Status prepared = prepare();
      ASSERT_TRUE(prepared.ok()) << prepared.error().what();
      const Status done = begin_process(changes) ? job() : Status(Error(Errc::io, "not opened"));
      const bool killed = process_->stopped();
      if (!killed) {
        ASSERT_TRUE(done.ok()) << done.error().what();
      }
      ASSERT_TRUE(begin_process(kForEver));
      ASSERT_NO_FATAL_FAILURE(expect_contents());
      ASSERT_NO_FATAL_FAILURE(expect_sound());
      const Status again = job();
      ASSERT_TRUE(again.ok()) << again.error().what();
      ASSERT_NO_FATAL_FAILURE(expect_contents());
      if (!killed) {
        EXPECT_GT(changes, 5) << "the job did nothing";
        return;
      }
    }
    FAIL() << "the job never ends";
  }
  void make_model() {
    for (int i = 0; i < 4; ++i) {
      const std::string name = "file" + std::to_string(i);
      model_[name] = make(name, 40'000 + static_cast<std::size_t>(i) * 9'000);
    }
    model_["twin"] = model_["file0"];
    put("twin", model_["twin"]);
  }

  JobControl control_;
  std::map<std::string, Blob> model_;
  std::optional<StoppingFiles> process_;
  std::optional<OpenVolume> opened_;
  std::optional<StoppingJobFiles> job_files_;
};

TEST_F(JobCrash, AnOptimizationIsKilledAtEveryChange) {
  make_model();
  kill_everywhere(
      [this] {
        if (Status s = run_unoptimization(); !s.ok()) return s;
        return run_collection();
      },
      [this] { return run_optimization(); });
}

TEST_F(JobCrash, ACollectionIsKilledAtEveryChange) {
  make_model();
  kill_everywhere(
      [this] {
        put("gone", tests::random_bytes(random_, 100'000));
        if (Status s = run_optimization(); !s.ok()) return s;
        std::filesystem::remove(path("gone"));
        return Status(Ok{});
      },
      [this] { return run_collection(); });
}

// With copies of chunks that are made anew each time.
TEST_F(JobCrash, AScrubIsKilledAtEveryChange) {
  make_model();
  const auto run_scrub = [this](std::uint32_t references_min) {
    return scrub_volume(in_process(), {chunkstore::ScrubDepth::deep, references_min, {}}, control_)
        .ended;
  };
  kill_everywhere(
      [&] {
        if (Status s = run_optimization(); !s.ok()) return s;
        if (Status s = run_scrub(1000); !s.ok()) return s;  // none
        return run_collection();
      },
      [&] { return run_scrub(2); });
}

TEST_F(JobCrash, AnUnoptimizationIsKilledAtEveryChange) {
  make_model();
  kill_everywhere([this] { return run_optimization(); }, [this] { return run_unoptimization(); });
}

}  // namespace
}  // namespace stillframe::dedup

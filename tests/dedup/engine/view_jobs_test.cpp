// Jobs on a volume whose view is in use.
#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/dedup/view/mounted_volume.hpp"
#include "tests/support/scale.hpp"
#include "writers/dedup/engine/view_files.hpp"
#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/optimization.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"
#include "writers/dedup/jobs/unoptimization.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;
using tests::Blob;
using tests::MountedVolume;

class ViewJobs : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = MountedVolume::make(GetParam(), reason);
    if (!volume_) GTEST_SKIP() << reason;
    files_.emplace(volume_->view());
  }

  Blob make(const std::string& name, std::size_t bytes) {
    Blob content = tests::random_bytes(random_, bytes);
    put(name, content);
    wait_until_closed(name);
    return content;
  }
  void put(const std::string& name, const Blob& content) {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
  }
  // The kernel tells the view of the last close when it has returned.
  void wait_until_closed(const std::string& name) {
    struct stat about {};
    ASSERT_EQ(::stat(volume_->below(name).c_str(), &about), 0);
    View::Use use = View::Use::written;
    for (int tries = 0; use != View::Use::closed && tries < 5000; ++tries) {
      volume_->view().exclusively(
          [&] { use = volume_->view().use_of(about.st_dev, about.st_ino); });
      if (use != View::Use::closed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(use, View::Use::closed) << name;
  }
  std::string path(const std::string& name) const { return *volume_ / name; }
  static Blob content_of(int file, std::size_t bytes) {
    Blob content(bytes);
    EXPECT_EQ(::pread(file, content.data(), bytes, 0), static_cast<ssize_t>(bytes));
    return content;
  }
  Blob content_of(const std::string& name) {
    std::ifstream file(path(name), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }

  OptimizationReport optimize() {
    OptimizationOptions options;
    options.policy.age_min = std::chrono::seconds(0);
    options.now_ns = std::int64_t{1} << 62;
    return optimize_volume(volume_->for_jobs(*files_), options, control_);
  }
  GarbageCollectionReport collect() {
    return collect_garbage(volume_->for_jobs(*files_), CollectionExtent::full, control_);
  }
  // The kernel says some time after the last close that a file is not needed any more.
  bool collects_one_within_some_tries() {
    for (int tries = 0; tries < 500; ++tries) {
      const auto report = collect();
      EXPECT_TRUE(report.ended.ok()) << report.ended.error().what();
      if (report.forgotten == 1) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  void change_files(std::map<std::string, Blob>& model) {
    const auto changes = stillframe::tests::scaled(60);
    for (std::size_t i = 0; i < static_cast<std::size_t>(changes); ++i) {
      const std::string name = "file" + std::to_string(random_() % 8);
      const auto there = model.find(name);
      if (there == model.end() || random_() % 4 == 0) {
        model[name] = make(name, 32'768 + random_() % 100'000);
      } else if (random_() % 4 == 0) {
        ASSERT_EQ(::unlink(path(name).c_str()), 0);
        model.erase(there);
      } else if (random_() % 3 == 0) {
        const std::string other = "file" + std::to_string(random_() % 8);
        ASSERT_EQ(::rename(path(name).c_str(), path(other).c_str()), 0);
        if (other != name) {
          model[other] = std::move(there->second);
          model.erase(name);
        }
      } else {
        const Descriptor file(::open(path(name).c_str(), O_RDWR | O_CLOEXEC));
        const Blob piece = tests::random_bytes(random_, 1 + random_() % 9'000);
        const std::size_t at = random_() % there->second.size();
        ASSERT_EQ(::pwrite(file.get(), piece.data(), piece.size(), static_cast<off_t>(at)),
                  static_cast<ssize_t>(piece.size()));
        if (there->second.size() < at + piece.size()) there->second.resize(at + piece.size());
        std::copy(piece.begin(), piece.end(),
                  there->second.begin() + static_cast<std::ptrdiff_t>(at));
      }
      if (model.empty()) continue;
      const auto& [some, expected] = *model.begin();
      ASSERT_EQ(content_of(some), expected) << some << " after " << i;
    }
  }

  std::mt19937_64 random_{5};
  JobControl control_;
  std::unique_ptr<MountedVolume> volume_;
  std::optional<ViewFiles> files_;
};

INSTANTIATE_TEST_SUITE_P(On, ViewJobs, ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(ViewJobs, OptimizeWhatUsersReadAndLeaveWhatTheyWrite) {
  const Blob read = make("read", 300'000), closed = make("closed", 300'000);
  make("written", 300'000);
  const Descriptor reader(::open(path("read").c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor writer(::open(path("written").c_str(), O_WRONLY | O_CLOEXEC));
  const auto report = optimize();
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.optimized, 2u);
  EXPECT_EQ(report.in_use, 1u);
  EXPECT_EQ(content_of(reader.get(), read.size()), read);
  EXPECT_EQ(content_of("closed"), closed);
}

TEST_P(ViewJobs, CollectNothingOfADeletedFileThatIsOpen) {
  const Blob content = make("gone", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  Descriptor reader(::open(path("gone").c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  if (!reader.valid()) reader = Descriptor(::open(path("gone").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(reader.valid());
  ASSERT_EQ(::unlink(path("gone").c_str()), 0);
  const auto report = collect();
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.forgotten, 0u);
  EXPECT_EQ(content_of(reader.get(), content.size()), content);
  reader.reset();
  EXPECT_TRUE(collects_one_within_some_tries());
}

// Nobody has it open, and yet it can be opened.
TEST_P(ViewJobs, CollectNothingOfADeletedFileThatADescriptorLeadsTo) {
  const Blob content = make("gone", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  Descriptor place(::open(path("gone").c_str(), O_PATH | O_CLOEXEC));
  ASSERT_EQ(::unlink(path("gone").c_str()), 0);
  EXPECT_EQ(collect().forgotten, 0u);
  {
    const std::string link = "/proc/self/fd/" + std::to_string(place.get());
    const Descriptor reader(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(reader.valid());
    EXPECT_EQ(content_of(reader.get(), content.size()), content);
  }
  place.reset();
  EXPECT_TRUE(collects_one_within_some_tries());
}

TEST_P(ViewJobs, UnoptimizeAndScrubWhatIsBeingRead) {
  const Blob content = make("file", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  const Descriptor reader(::open(path("file").c_str(), O_RDONLY | O_CLOEXEC));
  const auto scrubbed =
      scrub_volume(volume_->for_jobs(*files_), {chunkstore::ScrubDepth::deep, 0, {}}, control_);
  ASSERT_TRUE(scrubbed.ended.ok()) << scrubbed.ended.error().what();
  EXPECT_EQ(scrubbed.files, 1u);
  EXPECT_TRUE(scrubbed.damaged.empty());
  const auto restored = unoptimize_volume(volume_->for_jobs(*files_), {}, control_);
  ASSERT_TRUE(restored.ended.ok()) << restored.ended.error().what();
  EXPECT_EQ(restored.restored, 1u);
  EXPECT_EQ(content_of(reader.get(), content.size()), content);
}

// Jobs one after the other while a user writes, renames and deletes.
TEST_P(ViewJobs, KeepEveryFileWhileUsersChangeThem) {
  std::atomic<bool> done{false};
  std::thread jobs([&] {
    while (!done) {
      const auto optimized = optimize();
      EXPECT_TRUE(optimized.ended.ok()) << optimized.ended.error().what();
      const auto collected = collect();
      EXPECT_TRUE(collected.ended.ok()) << collected.ended.error().what();
      const auto restored = unoptimize_volume(volume_->for_jobs(*files_), {}, control_);
      EXPECT_TRUE(restored.ended.ok()) << restored.ended.error().what();
    }
  });
  std::map<std::string, Blob> model;
  change_files(model);
  done = true;
  jobs.join();
  for (const auto& [name, expected] : model) EXPECT_EQ(content_of(name), expected) << name;
}

}  // namespace
}  // namespace stillframe::dedup

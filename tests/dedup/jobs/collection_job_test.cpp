#include <array>
#include <thread>

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/dedup/jobs/job_fixture.hpp"
#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/volume_tree.hpp"

namespace stillframe::dedup {
namespace {

using tests::Blob;

class CollectionJob : public tests::JobTest {
 protected:
  GarbageCollectionReport collect(CollectionExtent extent) {
    JobControl control;
    return collect_garbage(volume(), extent, control);
  }
};

TEST_F(CollectionJob, FreesWhatOnlyDeletedFilesHad) {
  const Blob kept = make("kept", 300'000);
  make("gone", 500'000);
  ASSERT_EQ(optimize().optimized, 2u);
  ASSERT_TRUE(std::filesystem::remove(path("gone")));
  const auto report = collect(CollectionExtent::full);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.forgotten, 1u);
  EXPECT_GE(report.plan.dead_bytes, 500'000u);
  EXPECT_GE(report.result.freed_bytes, 490'000u);
  EXPECT_TRUE(report.result.complete);
  EXPECT_EQ(open_->table->files().size(), 1u);
  EXPECT_EQ(content_of("kept").value(), kept);
  open_volume();
  EXPECT_EQ(content_of("kept").value(), kept);
  EXPECT_EQ(collect(CollectionExtent::full).result.dropped_chunks, 0u);
}

TEST_F(CollectionJob, KeepsFilesThatWereMovedOrHaveAnotherName) {
  const Blob moved = make("moved", 200'000), linked = make("linked", 200'000);
  ASSERT_EQ(optimize().optimized, 2u);
  std::filesystem::create_directory(path("folder"));
  std::filesystem::rename(path("moved"), path("folder/here"));
  std::filesystem::create_hard_link(path("linked"), path("folder/link"));
  std::filesystem::remove(path("linked"));
  const auto report = collect(CollectionExtent::full);
  ASSERT_TRUE(report.ended.ok());
  EXPECT_EQ(report.forgotten, 0u);
  EXPECT_EQ(content_of("folder/here").value(), moved);
  EXPECT_EQ(content_of("folder/link").value(), linked);
}

TEST_F(CollectionJob, ForgetsNothingWhenAMarkCannotBeRead) {
  const Blob hidden = make("hidden", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  char mark[kStubBytes];
  ASSERT_EQ(::getxattr(path("hidden").c_str(), kStubAttribute, mark, sizeof mark),
            static_cast<ssize_t>(sizeof mark));
  ASSERT_EQ(::setxattr(path("hidden").c_str(), kStubAttribute, "none", 4, 0), 0);
  const auto report = collect(CollectionExtent::full);
  ASSERT_TRUE(report.ended.ok());
  EXPECT_EQ(report.forgotten, 0u);
  ASSERT_EQ(report.failures.count(), 1u);
  EXPECT_EQ(report.failures.named()[0].path, "hidden");
  ASSERT_EQ(::setxattr(path("hidden").c_str(), kStubAttribute, mark, sizeof mark, 0), 0);
  EXPECT_EQ(content_of("hidden").value(), hidden);
}

TEST_F(CollectionJob, ForgetsNothingThatIsHiddenBelowAMount) {
  const Blob hidden = make("folder/hidden", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  if (::mount("none", path("folder").c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "nothing can be mounted here";
  }
  const auto report = collect(CollectionExtent::full);
  ASSERT_EQ(::umount(path("folder").c_str()), 0);
  EXPECT_EQ(report.forgotten, 0u);
  ASSERT_EQ(report.failures.count(), 1u);
  EXPECT_EQ(report.failures.named()[0].path, "folder");
  EXPECT_EQ(content_of("folder/hidden").value(), hidden);
}

// The kernel hides marks from it, so all files look ordinary.
TEST_F(CollectionJob, RefusesToRunWhereMarksCannotBeSeen) {
  const Blob kept = make("kept", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  Status ended = Ok{};
  std::thread([&] {  // capabilities are a thread's
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    EXPECT_EQ(::syscall(SYS_capset, &header, none.data()), 0);
    ended = collect(CollectionExtent::full).ended;
    EXPECT_EQ(mark_of(root_.get(), "kept").error().code(), Errc::access_denied);
  })
      .join();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), Errc::access_denied);
  EXPECT_EQ(open_->table->files().size(), 1u);
  EXPECT_EQ(content_of("kept").value(), kept);
}

// A file that a user has open and that has no name any more is the view's to tell.
class WithOpenFiles final : public JobFiles {
 public:
  WithOpenFiles(JobFiles& files, std::set<FileId> open) : files_(files), open_(std::move(open)) {}
  void exclusively(const std::function<void()>& work) override { files_.exclusively(work); }
  Result<DedupFile*> open(const BytePath& path) override { return files_.open(path); }
  Result<std::set<FileId>> in_use() const override { return open_; }
  Use use_of(dev_t, ino_t) const override { return Use::ask_the_kernel; }

 private:
  JobFiles& files_;
  const std::set<FileId> open_;
};

TEST_F(CollectionJob, KeepsADeletedFileThatIsOpen) {
  make("gone", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  const FileId id = open_->table->files().begin()->first;
  const auto stream = open_->table->find(id)->stream;
  std::filesystem::remove(path("gone"));
  WithOpenFiles open(*files_, {id});
  const JobVolume one = volume();
  const JobVolume used{one.root, one.parts, open, one.io, one.store};
  JobControl control;
  EXPECT_EQ(collect_garbage(used, CollectionExtent::full, control).forgotten, 0u);
  EXPECT_TRUE(open_->store->read_stream(stream).ok());
  EXPECT_EQ(collect(CollectionExtent::full).forgotten, 1u);
  EXPECT_FALSE(open_->store->read_stream(stream).ok());
}

TEST_F(CollectionJob, OfTheRegularKindLeavesAContainerThatIsMostlyAlive) {
  make("kept", 900'000);
  make("gone", 100'000);
  ASSERT_EQ(optimize().optimized, 2u);
  ASSERT_TRUE(collect(CollectionExtent::full).ended.ok());  // seals the container of data
  std::filesystem::remove(path("gone"));
  const auto regular = collect(CollectionExtent::regular);
  EXPECT_EQ(regular.forgotten, 1u);
  EXPECT_LT(regular.result.freed_bytes, 90'000u);
  EXPECT_GE(collect(CollectionExtent::full).result.freed_bytes, 90'000u);
}

TEST_F(CollectionJob, EndsBeforeItBeginsWhenCancelled) {
  make("gone", 200'000);
  ASSERT_EQ(optimize().optimized, 1u);
  std::filesystem::remove(path("gone"));
  JobControl control;
  control.cancel();
  const auto report = collect_garbage(volume(), CollectionExtent::full, control);
  EXPECT_EQ(report.ended.error().code(), Errc::cancelled);
  EXPECT_EQ(open_->table->files().size(), 1u);
}

}  // namespace
}  // namespace stillframe::dedup

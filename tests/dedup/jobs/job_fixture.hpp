// A deduplicated volume in a temporary folder that no view shows.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/jobs/optimization.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup::tests {

constexpr std::int64_t kOldNs = std::int64_t{1'000'000} * 1'000'000'000;
constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;

class JobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string probe = path("probe");
    std::filesystem::create_directory(probe);
    if (::setxattr(probe.c_str(), kStubAttribute, "x", 1, 0) != 0) {
      GTEST_SKIP() << "no trusted attributes here";
    }
    std::filesystem::remove(probe);
    ASSERT_TRUE(io_->make_directory(own() + "/store").ok());
    ASSERT_TRUE(OpenVolume::create(*io_, own(), id_).ok());
    root_ = std::move(open_directory(folder_.path())).value();
    open_volume();
  }

  void open_volume() {
    files_.reset();
    open_.reset();
    auto opened = OpenVolume::open(*io_, own(), id_);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    open_.emplace(std::move(opened).value());
    files_.emplace(root_.get(), open_->parts());
  }

  JobVolume volume() {
    return {root_.get(), open_->parts(), *files_, *io_, own() + "/" + kStoreFolder};
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string own() const { return path(kVolumeFolder); }

  // One that was written to long ago.
  Blob make(const std::string& name, std::size_t bytes) {
    const Blob content = random_bytes(random_, bytes);
    put(name, content);
    return content;
  }
  void put(const std::string& name, const Blob& content) {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    const auto file = open_file(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(write_all(file.value().get(),
                          {reinterpret_cast<const char*>(content.data()), content.size()}, name)
                    .ok());
    make_old(name);
  }
  void make_old(const std::string& name) {
    const timespec times[2] = {{kOldNs / 1'000'000'000, 7}, {kOldNs / 1'000'000'000, 7}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }

  OptimizationOptions options() const {
    OptimizationOptions options;
    options.now_ns = kOldNs + 4 * kDayNs;
    return options;
  }
  OptimizationReport optimize() {
    JobControl control;
    return optimize_volume(volume(), options(), control);
  }

  bool is_marked(const std::string& name) const {
    char bytes[kStubBytes];
    return ::getxattr(path(name).c_str(), kStubAttribute, bytes, sizeof bytes) > 0;
  }
  struct stat status_of(const std::string& name) const {
    struct stat about {};
    EXPECT_EQ(::stat(path(name).c_str(), &about), 0);
    return about;
  }
  // As users would see it.
  Result<Blob> content_of(const std::string& name) {
    Result<Blob> content = Error(Errc::internal, "not read");
    files_->exclusively([&] {
      const auto file = files_->open(name);
      content = file.ok() ? contents(*file.value()) : Result<Blob>(file.error());
    });
    return content;
  }

  const UuidBytes id_ = generate_uuid();
  stillframe::tests::TemporaryDirectory folder_;
  std::unique_ptr<Files> io_ = posix_files();
  std::mt19937_64 random_{11};
  Descriptor root_;
  std::optional<OpenVolume> open_;
  std::optional<UnmountedFiles> files_;
};

}  // namespace stillframe::dedup::tests

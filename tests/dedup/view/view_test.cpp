// A volume through its view, as programs use it: with system calls.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/dedup/view/mounted_volume.hpp"
#include "tests/support/scale.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup {
namespace {

namespace fs = std::filesystem;
using stillframe::tests::FsKind;
using stillframe::tests::scaled;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using tests::Blob;
using tests::MountedVolume;

class ViewTest : public ::testing::TestWithParam<FsKind> {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = MountedVolume::make(GetParam(), reason);
    if (!volume_) GTEST_SKIP() << reason;
  }
  MountedVolume& volume() { return *volume_; }

  void write(const std::string& name, const Blob& bytes) {
    std::ofstream(volume() / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  Blob read(const std::string& name) {
    std::ifstream file(volume() / name, std::ios::binary);
    EXPECT_TRUE(file.good()) << name;
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }
  struct stat about(const std::string& path) {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found;
  }
  static bool same(const timespec& one, const timespec& other) {
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
  }
  Blob some(std::size_t bytes) { return tests::random_bytes(random_, bytes); }

  std::mt19937_64 random_{3};
  std::unique_ptr<MountedVolume> volume_;
};

INSTANTIATE_TEST_SUITE_P(On, ViewTest, ::testing::Values(FsKind::ext4, FsKind::xfs, FsKind::btrfs),
                         [](const auto& one) { return stillframe::tests::to_string(one.param); });

TEST_P(ViewTest, AnOptimizedFileIsTheSameFile) {
  const Blob bytes = some(1'000'000);
  write("a", bytes);
  ASSERT_EQ(::link((volume() / "a").c_str(), (volume() / "b").c_str()), 0);
  ASSERT_EQ(::chmod((volume() / "a").c_str(), 0640), 0);
  ASSERT_EQ(::chown((volume() / "a").c_str(), 65534, 65534), 0);
  ASSERT_EQ(::setxattr((volume() / "a").c_str(), "user.note", "x", 1, 0), 0);
  const timespec times[2] = {{1'000'000, 1}, {2'000'000, 2}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (volume() / "a").c_str(), times, 0), 0);
  const auto before = about(volume() / "a");
  const Status optimized = volume().optimize("a");
  ASSERT_TRUE(optimized.ok()) << optimized.error().what();
  EXPECT_LT(about(volume().below("a")).st_blocks, 1'000'000 / 512 / 10);
  const auto after = about(volume() / "a");
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_size, before.st_size);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_nlink, 2u);
  EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  EXPECT_TRUE(same(after.st_ctim, before.st_ctim));
  EXPECT_FALSE(same(about(volume().below("a")).st_ctim, before.st_ctim));
  EXPECT_EQ(read("a"), bytes);
  EXPECT_EQ(read("b"), bytes);
  volume().unmount();
  volume().mount();
  EXPECT_EQ(read("b"), bytes);
  EXPECT_TRUE(same(about(volume() / "b").st_ctim, before.st_ctim));
}

// Or a program that looks at them would not see the change.
TEST_P(ViewTest, TheTimeOfAChangeToAnOptimizedFileIsShown) {
  void (*const changes[])(const std::string&) = {
      [](const std::string& path) { ASSERT_EQ(::chmod(path.c_str(), 0600), 0); },
      [](const std::string& path) { ASSERT_EQ(::truncate(path.c_str(), 77'777), 0); },
      [](const std::string& path) { ASSERT_EQ(::link(path.c_str(), (path + "2").c_str()), 0); },
      [](const std::string& path) {
        ASSERT_EQ(::setxattr(path.c_str(), "user.note", "x", 1, 0), 0);
      }};
  for (const auto change : changes) {
    write("a", some(100'000));
    ASSERT_TRUE(volume().optimize("a").ok());
    const auto before = about(volume() / "a");
    change(volume() / "a");
    volume().unmount();
    volume().mount();  // what the kernel remembers is gone with it
    const auto after = about(volume() / "a");
    EXPECT_FALSE(same(after.st_ctim, before.st_ctim));
    EXPECT_TRUE(same(after.st_ctim, about(volume().below("a")).st_ctim));
    ASSERT_EQ(::unlink((volume() / "a").c_str()), 0);
  }
}

TEST_P(ViewTest, ShowsNeitherItsFolderNorItsMarks) {
  write("a", some(100'000));
  ASSERT_TRUE(volume().optimize("a").ok());
  ASSERT_GT(::getxattr(volume().below("a").c_str(), kStubAttribute, nullptr, 0), 0);
  const std::string path = volume() / "a";
  EXPECT_EQ(::getxattr(path.c_str(), kStubAttribute, nullptr, 0), -1);
  EXPECT_EQ(errno, ENODATA);
  EXPECT_EQ(::listxattr(path.c_str(), nullptr, 0), 0);
  EXPECT_EQ(::setxattr(path.c_str(), kStubAttribute, "x", 1, 0), -1);
  EXPECT_EQ(::removexattr(path.c_str(), kStubAttribute), -1);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(volume().place()))
    names.push_back(entry.path().filename());
  names.erase(std::remove(names.begin(), names.end(), "lost+found"), names.end());
  EXPECT_THAT(names, ElementsAre("a"));
  EXPECT_FALSE(fs::exists(volume() / kVolumeFolder));
  ASSERT_TRUE(fs::create_directory(volume().below(".stillframe")));
  EXPECT_FALSE(fs::exists(volume() / ".stillframe"));
  EXPECT_NE(::mkdir((volume() / kVolumeFolder).c_str(), 0755), 0);
}

TEST_P(ViewTest, PassesNamesThrough) {
  fs::create_directories(volume() / "one/two");
  write("one/two/file", some(10));
  fs::create_symlink("two/file", volume() / "one/link");
  EXPECT_EQ(fs::read_symlink(volume() / "one/link"), "two/file");
  EXPECT_EQ(fs::file_size(volume() / "one/link"), 10u);
  fs::rename(volume() / "one/two/file", volume() / "moved");
  EXPECT_FALSE(fs::exists(volume() / "one/two/file"));
  EXPECT_TRUE(fs::remove(volume() / "one/two"));
  EXPECT_NE(::rmdir((volume() / "one").c_str()), 0);
  EXPECT_EQ(errno, ENOTEMPTY);
  ASSERT_EQ(::mkfifo((volume() / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(fs::is_fifo(volume() / "pipe"));
  EXPECT_GT(fs::space(volume().place()).available, 0u);
}

TEST_P(ViewTest, AFileWithoutANameLivesAsLongAsItIsOpen) {
  const Blob bytes = some(50'000);
  write("a", bytes);
  ASSERT_TRUE(volume().optimize("a").ok());
  const Descriptor open(::open((volume() / "a").c_str(), O_RDWR));
  ASSERT_TRUE(open.valid());
  ASSERT_EQ(::unlink((volume() / "a").c_str()), 0);
  Blob found(bytes.size());
  ASSERT_EQ(::pread(open.get(), found.data(), found.size(), 0), static_cast<ssize_t>(found.size()));
  EXPECT_EQ(found, bytes);
  EXPECT_EQ(::pwrite(open.get(), "x", 1, 7), 1);
}

TEST_P(ViewTest, UsersMayDoWhatTheirRightsAllow) {
  write("mine", some(10));
  ASSERT_EQ(::chmod((volume() / "mine").c_str(), 0600), 0);
  fs::create_directory(volume() / "open");
  ASSERT_EQ(::chmod((volume() / "open").c_str(), 0777), 0);
  const fs::path scratch = fs::path(volume().place()).parent_path();
  for (const fs::path& folder : {scratch, scratch.parent_path()}) {
    ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
    if (::open((volume() / "mine").c_str(), O_RDONLY) >= 0 || errno != EACCES) ::_exit(2);
    if (::open((volume() / "open/theirs").c_str(), O_WRONLY | O_CREAT, 0644) < 0) ::_exit(3);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(about(volume() / "open/theirs").st_uid, 65534u);
}

TEST_P(ViewTest, FilesThatAreMappedKeepTheirBytes) {
  const Blob bytes = some(200'000);
  write("a", bytes);
  ASSERT_TRUE(volume().optimize("a").ok());
  const Descriptor open(::open((volume() / "a").c_str(), O_RDWR));
  void* at = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, open.get(), 0);
  ASSERT_NE(at, MAP_FAILED);
  auto* mapped = static_cast<std::byte*>(at);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), mapped));
  mapped[5000] = std::byte{1};
  mapped[150'000] = std::byte{2};
  ASSERT_EQ(::msync(at, bytes.size(), MS_SYNC), 0);
  ASSERT_EQ(::munmap(at, bytes.size()), 0);
  Blob expected = bytes;
  expected[5000] = std::byte{1};
  expected[150'000] = std::byte{2};
  EXPECT_EQ(read("a"), expected);
  ASSERT_EQ(::fsync(open.get()), 0);
  volume().unmount();
  volume().mount();
  EXPECT_EQ(read("a"), expected);
}

// As after a raw copy by a program that knows no marks but copies all attributes.
TEST_P(ViewTest, AStubThatIsNotOfThisVolumeIsAnErrorAndItsOperatorIsToldWhy) {
  write("a", some(100'000));
  const auto foreign = format_stub({generate_uuid(), FileId::generate()});
  ASSERT_EQ(
      ::setxattr(volume().below("a").c_str(), kStubAttribute, foreign.data(), foreign.size(), 0),
      0);
  EXPECT_EQ(::open((volume() / "a").c_str(), O_RDONLY), -1);
  EXPECT_EQ(errno, EIO);
  volume().unmount();
  ASSERT_THAT(volume().reported(), ::testing::SizeIs(1));
  EXPECT_THAT(volume().reported()[0], ::testing::HasSubstr("file '/a'"));
  EXPECT_THAT(volume().reported()[0], ::testing::HasSubstr("belongs to store"));
  EXPECT_THAT(volume().reported()[0], ::testing::HasSubstr("restore it"));
}

// Never zeros: what a file has is in the store, and the file below has only holes.
TEST_P(ViewTest, AnEngineThatIsKilledLeavesAnErrorAndComesBack) {
  const Blob bytes = some(300'000);
  write("a", bytes);
  ASSERT_TRUE(volume().optimize("a").ok());
  volume().unmount();
  EXPECT_FALSE(fs::exists(volume() / "a")) << "nothing is at the place without the view";
  const auto engine = volume().start_engine();
  ASSERT_TRUE(engine);
  for (int i = 0; i < 2000 && !fs::exists(volume() / "a"); ++i) ::usleep(10'000);
  ASSERT_TRUE(read("a") == bytes);
  const Descriptor open(::open((volume() / "a").c_str(), O_RDWR));
  ASSERT_EQ(::pwrite(open.get(), "new", 3, 1000), 3);
  ASSERT_EQ(::fsync(open.get()), 0);
  ASSERT_EQ(::kill(engine->pid(), SIGKILL), 0);
  ASSERT_TRUE(engine->wait(Deadline(system_clock().now() + std::chrono::seconds(20))).ok());
  char some_bytes[10];
  EXPECT_EQ(::pread(open.get(), some_bytes, sizeof some_bytes, 250'000), -1);
  EXPECT_EQ(::open((volume() / "a").c_str(), O_RDONLY), -1);
  EXPECT_EQ(errno, ENOTCONN);
  volume().mount();
  Blob expected = bytes;
  std::memcpy(expected.data() + 1000, "new", 3);
  EXPECT_TRUE(read("a") == expected);
}

TEST_P(ViewTest, WhatWasWrittenIsKeptOnceItsFileIsClosed) {
  const Blob bytes = some(300'000);
  write("a", bytes);
  ASSERT_TRUE(volume().optimize("a").ok());
  volume().unmount();
  const auto engine = volume().start_engine();
  ASSERT_TRUE(engine);
  for (int i = 0; i < 2000 && !fs::exists(volume() / "a"); ++i) ::usleep(10'000);
  {
    const Descriptor open(::open((volume() / "a").c_str(), O_RDWR));
    ASSERT_EQ(::pwrite(open.get(), "new", 3, 1000), 3);
  }
  ASSERT_EQ(::kill(engine->pid(), SIGKILL), 0);
  ASSERT_TRUE(engine->wait(Deadline(system_clock().now() + std::chrono::seconds(20))).ok());
  volume().mount();
  Blob expected = bytes;
  std::memcpy(expected.data() + 1000, "new", 3);
  EXPECT_TRUE(read("a") == expected);
}

// Two files with random changes, beside bytes in memory.
TEST_P(ViewTest, RandomChangesReadAsWritten) {
  constexpr std::size_t kBytesMax = 400'000;
  std::map<std::string, Blob> model{{"a", {}}, {"b", {}}};
  for (const auto& [name, bytes] : model) write(name, bytes);
  const auto steps = scaled(800);
  for (std::uint64_t step = 0; step < steps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const std::string name = random_() % 2 == 0 ? "a" : "b";
    Blob& bytes = model[name];
    const std::string path = volume() / name;
    const Descriptor open(::open(path.c_str(), O_RDWR));
    ASSERT_TRUE(open.valid()) << errno;
    switch (random_() % 12) {
      case 0:
        bytes.resize(random_() % kBytesMax);
        ASSERT_EQ(::ftruncate(open.get(), static_cast<off_t>(bytes.size())), 0);
        break;
      case 1: {
        if (bytes.empty()) break;
        const std::size_t offset = random_() % bytes.size();
        const std::size_t count = 1 + random_() % (bytes.size() - offset);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, std::byte{0});
        ASSERT_EQ(::fallocate(open.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(offset), static_cast<off_t>(count)),
                  0);
        break;
      }
      case 2: {
        const Status done = volume().optimize(name);
        ASSERT_TRUE(done.ok()) << done.error().what();
        break;
      }
      case 3:
        ASSERT_EQ(::fsync(open.get()), 0);
        break;
      case 4:
        if (random_() % 30 == 0) {
          volume().unmount();
          volume().mount();
        }
        break;
      case 5:
        fs::rename(volume() / "a", volume() / "c");
        fs::rename(volume() / "b", volume() / "a");
        fs::rename(volume() / "c", volume() / "b");
        std::swap(model["a"], model["b"]);
        break;
      default: {
        const std::size_t offset = random_() % (kBytesMax / 2);
        const Blob from = some(1 + random_() % (random_() % 8 == 0 ? 100'000 : 700));
        if (bytes.size() < offset + from.size()) bytes.resize(offset + from.size());
        std::copy(from.begin(), from.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        ASSERT_EQ(::pwrite(open.get(), from.data(), from.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(from.size()));
      }
    }
    if (step % 10 != 0 && step + 1 != steps) continue;
    for (const auto& [file, expected] : model) ASSERT_TRUE(read(file) == expected) << file;
  }
}

}  // namespace
}  // namespace stillframe::dedup

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/requestor/store_fixture.hpp"

namespace stillframe::requestor {
namespace {

struct CopyFileTest : tests::StoreFixture {
  const std::string from = temporary.path() + "/from";
  const std::string to = temporary.path() + "/to";

  Result<CopyOutcome> copy(const std::vector<ByteRange>* ranges = nullptr,
                           FileVerifier* verifier = nullptr, CopyObserver observer = {}) {
    const Descriptor source(open(from.c_str(), O_RDONLY));
    const Descriptor target(open(to.c_str(), O_RDWR | O_CREAT, 0600));
    CopyRequest request;
    request.source = source.get();
    request.destination = target.get();
    request.name = from;
    request.ranges = ranges;
    request.verifier = verifier;
    request.observer = std::move(observer);
    return copy_file(request);
  }
};

struct CountingVerifier : FileVerifier {
  std::string seen;
  int finished = 0;
  std::string refuse;
  Status feed(std::span<const std::byte> bytes) override {
    seen.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!refuse.empty()) return Error(Errc::corrupt, refuse);
    return Ok{};
  }
  Status finish() override {
    ++finished;
    return Ok{};
  }
};

TEST_F(CopyFileTest, CopiesAndHashesInOnePass) {
  const std::string content(3'000'000, 'q');
  overwrite(from, content);
  const auto copied = copy();
  ASSERT_TRUE(copied.ok()) << copied.error().what();
  EXPECT_EQ(copied.value().sha256, sha256_hex(content));
  EXPECT_EQ(copied.value().size, content.size());
  EXPECT_TRUE(copied.value().extents.empty());
  EXPECT_EQ(read(to), content);
}

TEST_F(CopyFileTest, EmptyFileHasTheHashOfNothing) {
  overwrite(from, "");
  const auto copied = copy();
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(copied.value().sha256, sha256_hex(""));
}

TEST_F(CopyFileTest, HolesStayHolesAndCountAsZeros) {
  {
    const Descriptor file(open(from.c_str(), O_RDWR | O_CREAT, 0600));
    ASSERT_EQ(ftruncate(file.get(), 10 << 20), 0);
    ASSERT_EQ(pwrite(file.get(), "middle", 6, 5 << 20), 6);
  }
  CountingVerifier verifier;
  const auto copied = copy(nullptr, &verifier);
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(copied.value().sha256, sha256_hex(read(from)));
  EXPECT_EQ(verifier.seen, read(from));
  EXPECT_EQ(verifier.finished, 1);
  EXPECT_EQ(read(to), read(from));
  struct stat info {};
  ASSERT_EQ(stat(to.c_str(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 1 << 20) << "the copy is not sparse";
  EXPECT_FALSE(copied.value().extents.empty());
}

TEST_F(CopyFileTest, RangesKeepTheirOffsetsAndHashOneAfterTheOther) {
  overwrite(from, "0123456789abcdef");
  overwrite(to, "----------------");
  const std::vector<ByteRange> ranges = {{2, 3}, {10, 2}};
  const auto copied = copy(&ranges);
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(read(to), "--234-----ab----");
  EXPECT_EQ(copied.value().sha256, sha256_hex("234ab"));
}

TEST_F(CopyFileTest, RangeBeyondTheEndIsTruncated) {
  overwrite(from, "short");
  const std::vector<ByteRange> ranges = {{2, 300}};
  EXPECT_EQ(copy(&ranges).error().code(), Errc::truncated);
}

TEST_F(CopyFileTest, VerifierThatFindsDamageFailsTheCopy) {
  overwrite(from, "bad page");
  CountingVerifier verifier;
  verifier.refuse = "page 0 has a wrong checksum";
  const auto copied = copy(nullptr, &verifier);
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code(), Errc::corrupt);
  EXPECT_NE(copied.error().what().find("page 0"), std::string::npos);
}

TEST_F(CopyFileTest, ObserverStopsIt) {
  overwrite(from, std::string(5 << 20, 'x'));
  int calls = 0;
  const auto copied = copy(nullptr, nullptr, [&](std::uint64_t) { return ++calls < 3; });
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code(), Errc::cancelled);
  EXPECT_EQ(calls, 3);
}

TEST_F(CopyFileTest, SinkHashesPiecesAsOneContent) {
  const Descriptor target(open(to.c_str(), O_RDWR | O_CREAT, 0600));
  CopyRequest request;
  request.destination = target.get();
  ContentSink sink(request);
  const std::string first = "abc", second = "defg";
  ASSERT_TRUE(sink.data(std::as_bytes(std::span(first)), 0).ok());
  ASSERT_TRUE(sink.data(std::as_bytes(std::span(second)), 3).ok());
  EXPECT_EQ(sink.copied(), 7u);
  EXPECT_EQ(sink.finish().value(), sha256_hex("abcdefg"));
  EXPECT_EQ(read(to), "abcdefg");
}

TEST_F(CopyFileTest, AttributesComeBackAsTheyWere) {
  overwrite(from, "x");
  overwrite(to, "x");
  if (setxattr(from.c_str(), "user.colour", "b\0ue", 4, 0) != 0) {
    GTEST_SKIP() << "the temporary directory's file system has no user extended attributes";
  }
  ASSERT_EQ(chmod(from.c_str(), 02751), 0);
  const timespec times[2] = {{1000, 5}, {-7, 999'999'999}};
  ASSERT_EQ(utimensat(AT_FDCWD, from.c_str(), times, 0), 0);
  const Descriptor source(open(from.c_str(), O_RDONLY | O_NOATIME));
  const Descriptor target(open(to.c_str(), O_RDWR));
  const auto attributes = read_attributes(source.get(), from);
  ASSERT_TRUE(attributes.ok());
  ASSERT_TRUE(
      apply_attributes(target.get(), attributes.value(), OwnerPolicy::best_effort, to).ok());
  const auto after = read_attributes(target.get(), to);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after.value(), attributes.value());
  EXPECT_EQ(after.value().modified_ns, -7'000'000'000 + 999'999'999);
}

TEST_F(CopyFileTest, SetUidIsNotKeptForAnotherOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to change to another user";
  overwrite(to, "x");
  ASSERT_EQ(chmod(temporary.path().c_str(), 0777), 0);
  ASSERT_EQ(chown(to.c_str(), 12345, 12345), 0);
  FileAttributes attributes;
  attributes.mode = 04755;
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(12345, 12345, 12345) != 0) _exit(9);
    const Descriptor target(open(to.c_str(), O_RDWR));
    const Status strict = apply_attributes(target.get(), attributes, OwnerPolicy::required, to);
    const Status lax = apply_attributes(target.get(), attributes, OwnerPolicy::best_effort, to);
    _exit(strict.ok() ? 1 : lax.ok() ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  struct stat info {};
  ASSERT_EQ(stat(to.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
}

}  // namespace
}  // namespace stillframe::requestor

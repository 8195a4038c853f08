// Verifiers that turn against whoever runs them.
#include "requestor/store/sandboxed_verifier.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "tests/support/loop_fs.hpp"

namespace stillframe::requestor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Does as a file's name says once it gets bytes, and otherwise wants no byte 'x'.
class Scripted final : public Verifier {
 public:
  explicit Scripted(std::string folder, int inherited = -1)
      : folder_(std::move(folder)), inherited_(inherited) {}
  std::string name() const override { return "scripted"; }
  bool wants(const WriterIdentity& writer, const ComponentName& component,
             const BytePath& file) override {
    return writer.name == "Shop" && component.full() == "Stores/EU" && file != "/plain";
  }
  Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) override {
    if (size == 0) return Error(Errc::truncated, "an empty file");
    return std::unique_ptr<FileVerifier>(std::make_unique<File>(*this, file));
  }

 private:
  class File final : public FileVerifier {
   public:
    File(const Scripted& owner, BytePath name) : owner_(owner), name_(std::move(name)) {}
    Status feed(std::span<const std::byte> bytes) override {
      for (const std::byte one : bytes) {
        if (one == std::byte{'x'})
          return Error(Errc::corrupt, "offset " + std::to_string(seen_) + ": an x");
        ++seen_;
      }
      return misbehave();
    }
    Status finish() override {
      return Error(Errc::corrupt, "saw " + std::to_string(seen_) + " bytes");
    }

   private:
    // An error of a code of its own says that the deed was done.
    Status misbehave() const {
      if (name_ == "crash") {
        ::raise(SIGSEGV);
        ::_exit(11);  // it may signal nobody, itself included
      }
      if (name_ == "exit") ::_exit(3);
      while (name_ == "hang") std::this_thread::yield();
      bool done = false;
      if (name_ == "write")
        done = ::open((owner_.folder_ + "/evil").c_str(), O_CREAT | O_WRONLY, 0666) >= 0;
      if (name_ == "read") done = ::open((owner_.folder_ + "/open").c_str(), O_RDONLY) >= 0;
      if (name_ == "socket") done = ::socket(AF_INET, SOCK_STREAM, 0) >= 0;
      if (name_ == "inherited") done = ::write(owner_.inherited_, "evil", 4) == 4;
      return done ? Status(Error(Errc::already_exists, "did it")) : Status(Ok{});
    }

    const Scripted& owner_;
    const BytePath name_;
    std::uint64_t seen_ = 0;
  };

  const std::string folder_;
  const int inherited_;
};

class SandboxedVerifierTest : public testing::Test {
 protected:
  void start(SandboxedVerifierOptions options = {}) {
    fs::permissions(folder_.path(), fs::perms(0777));
    std::ofstream(folder_.path() + "/open") << "content";
    const Descriptor writable(::open((folder_.path() + "/open").c_str(), O_RDWR));
    inherited_ = Descriptor(::fcntl(writable.get(), F_DUPFD, 100));  // no number the child uses
    inner_ = std::make_unique<Scripted>(folder_.path(), inherited_.get());
    auto started = SandboxedVerifier::start(*inner_, options);
    ASSERT_TRUE(started.ok()) << started.error().what();
    verifier_ = std::move(started).value();
  }
  // What becomes of one file of that name.
  Status check(const BytePath& name, std::string_view content) {
    auto file = verifier_->open(name, content.size());
    if (!file.ok()) return file.error();
    if (Status s = file.value()->feed(bytes(content)); !s.ok()) return s;
    return file.value()->finish();
  }

  const stillframe::tests::TemporaryDirectory folder_{"verifier"};
  Descriptor inherited_;
  std::unique_ptr<Scripted> inner_;
  std::unique_ptr<SandboxedVerifier> verifier_;
};

TEST_F(SandboxedVerifierTest, ItsWordComesThroughUnchanged) {
  start();
  EXPECT_EQ(verifier_->name(), "scripted");
  WriterIdentity shop;
  shop.name = "Shop";
  EXPECT_TRUE(verifier_->wants(shop, {"Stores", "EU"}, "/a\xff"));
  EXPECT_FALSE(verifier_->wants(shop, {"Stores", "EU"}, "/plain"));
  EXPECT_FALSE(verifier_->wants(shop, {"", "EU"}, "/a"));
  EXPECT_EQ(check("a", "abc").error(), Error(Errc::corrupt, "saw 3 bytes"));
  EXPECT_EQ(check("a", "abcx").error(), Error(Errc::corrupt, "offset 3: an x"));
  EXPECT_EQ(check("a", "").error(), Error(Errc::truncated, "an empty file"));
}

TEST_F(SandboxedVerifierTest, EveryByteArrivesOnceAndInOrder) {
  start();
  std::string content(3'500'000, 'a');
  EXPECT_EQ(check("a", content).error(), Error(Errc::corrupt, "saw 3500000 bytes"));
  content[2'222'222] = 'x';
  EXPECT_EQ(check("a", content).error(), Error(Errc::corrupt, "offset 2222222: an x"));
}

TEST_F(SandboxedVerifierTest, AHostileOneGetsNowhere) {
  start();
  for (const char* deed : {"write", "socket", "inherited"})
    EXPECT_EQ(check(deed, "abc").error().code(), Errc::corrupt) << deed << " was done";
  EXPECT_FALSE(fs::exists(folder_.path() + "/evil"));
  EXPECT_EQ(fs::file_size(folder_.path() + "/open"), 7u);
  if (!verifier_->weakness().empty()) GTEST_SKIP() << verifier_->weakness();
  EXPECT_EQ(check("read", "abc").error().code(), Errc::corrupt);
}

TEST_F(SandboxedVerifierTest, ACrashCostsOneFile) {
  start();
  for (int round = 0; round < 3; ++round) {
    const Status crashed = check("crash", "abc");
    ASSERT_FALSE(crashed.ok());
    EXPECT_EQ(crashed.error().code(), Errc::internal);
    EXPECT_THAT(crashed.error().what(), HasSubstr("'crash' with scripted"));
    EXPECT_THAT(check("exit", "abc").error().what(), HasSubstr("exit code 3"));
    EXPECT_EQ(check("a", "abc").error(), Error(Errc::corrupt, "saw 3 bytes"));
  }
}

TEST_F(SandboxedVerifierTest, OneThatHangsIsKilled) {
  SandboxedVerifierOptions options;
  options.children = 1;
  options.call_max = std::chrono::milliseconds(300);
  start(options);
  EXPECT_EQ(check("hang", "abc").error().code(), Errc::timed_out);
  options.call_max = std::chrono::milliseconds(60'000);
  start(options);
  EXPECT_EQ(check("a", "abc").error(), Error(Errc::corrupt, "saw 3 bytes"));
}

TEST_F(SandboxedVerifierTest, FilesAreCheckedInParallel) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::string content(100'000 + static_cast<std::size_t>(t), 'a');
      for (int i = 0; i < 10; ++i)
        right +=
            check("a", content).error().what() == "saw " + std::to_string(content.size()) + " bytes"
                ? 1
                : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

// Left in the middle, as a copy that was cancelled leaves it.
TEST_F(SandboxedVerifierTest, AFileThatIsNotFinishedFreesItsChild) {
  SandboxedVerifierOptions options;
  options.children = 1;
  start(options);
  for (int i = 0; i < 3; ++i) {
    auto file = verifier_->open("a", 10);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->feed(bytes("abc")).ok());
  }
  EXPECT_EQ(check("a", "abc").error(), Error(Errc::corrupt, "saw 3 bytes"));
}

}  // namespace
}  // namespace stillframe::requestor

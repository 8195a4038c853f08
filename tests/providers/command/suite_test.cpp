// The shipped sample passes the suite that every provider passes, as far as its capabilities go.
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/testkit/provider_suite.hpp>

#include "framework/io/volumes.hpp"
#include "framework/providers/command/command_provider.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

class SampleUnderTest final : public testkit::ProviderUnderTest {
 public:
  static std::unique_ptr<SampleUnderTest> make(std::string& reason) {
    std::unique_ptr<SampleUnderTest> made(new SampleUnderTest());
    for (auto& fs : made->fs_) {
      fs = LoopFs::make(FsKind::xfs, reason);
      if (!fs) return nullptr;
    }
    const std::string program = made->folder_.path() + "/program";
    std::filesystem::copy_file(std::string(SAMPLES) + "/reflink_copy", program);
    ::chmod(program.c_str(), 0755);
    std::ifstream in(std::string(SAMPLES) + "/reflink_copy.toml");
    std::stringstream text;
    text << in.rdbuf();
    std::string toml = text.str();
    const auto replace = [&](const std::string& from, const std::string& to) {
      const auto at = toml.find("\"" + from + "\"");
      if (at != std::string::npos) toml.replace(at + 1, from.size(), to);
    };
    replace("/usr/local/libexec/stillframe/reflink_copy", program);
    replace("/var/lib/stillframe/reflink_copy", made->folder_.path() + "/state");
    std::ofstream(made->folder_.path() + "/p.toml") << toml;
    ::chmod((made->folder_.path() + "/p.toml").c_str(), 0644);
    return made;
  }
  std::unique_ptr<Provider> make() override {
    CommandProviderOptions options;
    options.trusted_owner = ::getuid();
    auto loaded = load_command_provider(folder_.path() + "/p.toml", options);
    return loaded.ok() ? std::move(loaded).value() : nullptr;
  }
  std::vector<Volume> volumes() override {
    std::vector<Volume> found;
    auto directory = VolumeDirectory::read();
    for (const auto& fs : fs_) {
      auto located = directory.value().locate(fs->mount_point());
      if (located.ok()) found.push_back(located.value().volume);
    }
    return found;
  }
  BytePath scratch() override { return folder_.path(); }
  bool seals_root() const override { return false; }

 private:
  TemporaryDirectory folder_;
  std::unique_ptr<LoopFs> fs_[2];
};

class CommandSuite : public testing::TestWithParam<testkit::ProviderCheck> {
 protected:
  void SetUp() override {
    std::string reason;
    if (!under_test_) under_test_ = SampleUnderTest::make(reason);
    if (!under_test_) GTEST_SKIP() << reason;
  }
  void TearDown() override {
    if (HasFailure()) under_test_.reset();
  }
  static void TearDownTestSuite() { under_test_.reset(); }
  static std::unique_ptr<SampleUnderTest> under_test_;
};

std::unique_ptr<SampleUnderTest> CommandSuite::under_test_;

TEST_P(CommandSuite, Holds) {
  Status result = GetParam().run(*under_test_);
  if (!result.ok() && result.error().code() == Errc::not_supported) {
    GTEST_SKIP() << result.error().what();
  }
  EXPECT_TRUE(result.ok()) << GetParam().shows << "\n" << result.error().what();
}

// Whole-volume promises are not those of a provider that copies file after file.
std::vector<testkit::ProviderCheck> checks() {
  std::vector<testkit::ProviderCheck> all;
  for (const auto& check : testkit::provider_checks()) {
    const std::string name = check.name;
    if (name != "SyncedWritesKeepTheirOrderWithoutAHold" &&
        name != "ReadOnlyAtOnceWithoutAutoRecovery") {
      all.push_back(check);
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Sample, CommandSuite, testing::ValuesIn(checks()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace stillframe::tests

#include "framework/providers/command/command_provider.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::string mistake(const std::string& toml) {
  auto parsed = parse_command_provider(toml, "p.toml");
  return parsed.ok() ? "" : parsed.error().what();
}

const std::string kGood =
    "format = 1\nprogram = ['/bin/x', 'y']\n[provider]\n"
    "id = '0b7f7a55-6a54-4f3d-8d55-6c5d4b6b1d10'\nname = 'array-7'\n";

TEST(CommandProviderFile, ReadsWhatItDocuments) {
  auto parsed = parse_command_provider(kGood +
                                           "version = 4\natomicity = 'set'\n"
                                           "capabilities = ['revert', 'expose']\n"
                                           "preference = 60\n[timeouts_ms]\ncommit = 77\n"
                                           "[environment]\nPATH = '/opt'\nA = 'b'\n",
                                       "p.toml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().what();
  const ProgramProviderOptions& options = parsed.value();
  EXPECT_EQ(options.info->name, "array-7");
  EXPECT_EQ(options.info->atomicity, Atomicity::set);
  EXPECT_TRUE(options.info->capabilities.has(ProviderCapabilities::kRevert));
  EXPECT_FALSE(options.info->capabilities.has(ProviderCapabilities::kClone));
  EXPECT_EQ(options.timeouts.commit.count(), 77);
  EXPECT_EQ(options.program.command[1], "y");
  EXPECT_THAT(options.program.environment,
              testing::UnorderedElementsAre(testing::Pair("PATH", "/opt"), testing::Pair("A", "b"),
                                            testing::Pair("LANG", "C.UTF-8")));
}

TEST(CommandProviderFile, SaysWhatIsWrong) {
  EXPECT_THAT(mistake(kGood + "capabilities = ['fly']\n"), HasSubstr("persistent, writable"));
  EXPECT_THAT(mistake(kGood + "atomicity = 'galaxy'\n"), HasSubstr("none of set"));
  EXPECT_THAT(mistake(kGood + "colour = 'red'\n"), HasSubstr("provider.colour"));
  EXPECT_THAT(mistake(kGood + "[timeouts_ms]\ncommit = 0\n"), HasSubstr("whole number"));
  EXPECT_THAT(mistake("format = 1\nprogram = ['x']\n"), HasSubstr("id"));
  EXPECT_THAT(mistake("format = 1\nprogram = 'x'\n[provider]\n"), testing::Not(""));
  EXPECT_EQ(parse_command_provider("format = 2\n", "p").error().code(), Errc::future_version);
}

// The sample as it is shipped, on whatever file system the temporary directory is.
class CommandSample : public testing::Test {
 protected:
  void SetUp() override {
    if (run_program({"/usr/bin/env", "python3", "-c", "pass"}) != 0) {
      GTEST_SKIP() << "the sample needs python3";
    }
    fs::create_directories(data());
    std::ofstream(data() + "/a.txt") << "one";
    std::ofstream(data() + "/b.tmp") << "no";
    std::ofstream(data() + "/\xff\\") << "bytes";
    fs::copy_file(std::string(SAMPLES) + "/reflink_copy", folder_.path() + "/program");
    ::chmod((folder_.path() + "/program").c_str(), 0755);
    std::ifstream in(std::string(SAMPLES) + "/reflink_copy.toml");
    std::stringstream text;
    text << in.rdbuf();
    toml_ = text.str();
    replace("/usr/local/libexec/stillframe/reflink_copy", folder_.path() + "/program");
    replace("/var/lib/stillframe/reflink_copy", folder_.path() + "/state");
    provider_ = load();
  }
  void replace(const std::string& from, const std::string& to) {
    const auto at = toml_.rfind(from);
    const auto first = toml_.find("\"" + from + "\"");
    ASSERT_NE(first, std::string::npos) << from << at;
    toml_.replace(first + 1, from.size(), to);
  }
  std::unique_ptr<Provider> load() {
    std::ofstream(folder_.path() + "/p.toml") << toml_;
    ::chmod((folder_.path() + "/p.toml").c_str(), 0644);
    CommandProviderOptions options;
    options.trusted_owner = ::getuid();
    auto loaded = load_command_provider(folder_.path() + "/p.toml", options);
    EXPECT_TRUE(loaded.ok()) << loaded.error().what();
    return loaded.ok() ? std::move(loaded).value() : nullptr;
  }
  std::string data() const { return folder_.path() + "/data"; }

  CutRequest request() const {
    CutRequest request;
    request.set = set_;
    request.snapshot = snapshot_;
    request.volume.id = "dev:8:1";
    request.volume.mount_point = folder_.path();
    request.attributes.persistent = true;
    FileSet files;
    files.path = data();
    files.pattern = "*";
    files.recursive = true;
    request.files = {files};
    ExcludedFiles excluded;
    excluded.path = data();
    excluded.pattern = "*.tmp";
    request.exclude = {excluded};
    return request;
  }
  Status make(Provider& provider) {
    if (Status s = provider.begin_prepare(request()); !s.ok()) return s;
    if (auto e = provider.end_prepare(set_); !e.ok()) return e.error();
    if (Status s = provider.pre_commit(set_); !s.ok()) return s;
    if (auto c = provider.commit(set_); !c.ok()) return c.error();
    if (Status s = provider.post_commit(set_); !s.ok()) return s;
    if (auto s = provider.pre_final(set_); !s.ok()) return s.error();
    return provider.post_final(set_);
  }

  const SetId set_ = SetId::generate();
  const SnapshotId snapshot_ = SnapshotId::generate();
  TemporaryDirectory folder_;
  std::string toml_;
  std::unique_ptr<Provider> provider_;
};

TEST_F(CommandSample, KeepsWhatTheFilesWereAtTheCut) {
  Status made = make(*provider_);
  ASSERT_TRUE(made.ok()) << made.error().what();
  std::ofstream(data() + "/a.txt") << "two";
  auto snapshots = provider_->query();
  ASSERT_TRUE(snapshots.ok()) << snapshots.error().what();
  ASSERT_EQ(snapshots.value().size(), 1u);
  const SnapshotInfo& info = snapshots.value()[0];
  EXPECT_EQ(info.snapshot, snapshot_);
  EXPECT_EQ(info.set, set_);
  EXPECT_EQ(info.provider_name, "reflink-copy");
  EXPECT_TRUE(info.attributes.persistent);
  std::string text;
  std::ifstream(info.root + "/data/a.txt") >> text;
  EXPECT_EQ(text, "one");
  EXPECT_TRUE(fs::exists(info.root + "/data/\xff\\")) << "a name that is no UTF-8";
  EXPECT_FALSE(fs::exists(info.root + "/data/b.tmp")) << "it is excluded";
}

TEST_F(CommandSample, SnapshotsSurviveTheProgram) {
  ASSERT_TRUE(make(*provider_).ok());
  provider_.reset();
  provider_ = load();
  ASSERT_EQ(provider_->query().value().size(), 1u);
  EXPECT_TRUE(provider_->remove(snapshot_).ok());
  EXPECT_TRUE(provider_->query().value().empty());
  EXPECT_EQ(provider_->remove(snapshot_).error().code(), Errc::not_found);
}

TEST_F(CommandSample, AbortLeavesNothing) {
  ASSERT_TRUE(provider_->begin_prepare(request()).ok());
  ASSERT_TRUE(provider_->end_prepare(set_).ok());
  ASSERT_TRUE(provider_->pre_commit(set_).ok());
  ASSERT_TRUE(provider_->commit(set_).ok());
  provider_->abort(set_);
  provider_->abort(set_);
  EXPECT_TRUE(fs::is_empty(folder_.path() + "/state"));
  EXPECT_FALSE(provider_->end_prepare(set_).ok());
}

TEST_F(CommandSample, EstimatesAndRefusesBeyondTheLimit) {
  CutRequest small = request();
  small.bytes_limit = 2;
  ASSERT_TRUE(provider_->begin_prepare(small).ok());
  EXPECT_EQ(provider_->end_prepare(set_).error().code(), Errc::limit_reached);
}

TEST_F(CommandSample, ExposesSealed) {
  if (::getuid() != 0) GTEST_SKIP() << "mounting needs root";
  ASSERT_TRUE(make(*provider_).ok());
  const std::string place = folder_.path() + "/view";
  Status exposed = provider_->expose(snapshot_, place);
  ASSERT_TRUE(exposed.ok()) << exposed.error().what();
  EXPECT_TRUE(fs::exists(place + "/data/a.txt"));
  bool sealed = false;
  for (const MountedAt& mount : mounted_now()) {
    if (mount.mount_point != place) continue;
    sealed = mount.options.find("ro") != std::string::npos &&
             mount.options.find("nosuid") != std::string::npos &&
             mount.options.find("nodev") != std::string::npos &&
             mount.options.find("noexec") != std::string::npos;
  }
  EXPECT_TRUE(sealed);
  EXPECT_TRUE(provider_->unexpose(snapshot_).ok());
  for (const MountedAt& mount : mounted_now()) EXPECT_NE(mount.mount_point, place);
  EXPECT_FALSE(provider_->unexpose(snapshot_).ok());
}

TEST_F(CommandSample, AProgramThatOthersCouldChangeIsNotStarted) {
  provider_.reset();
  ::chmod((folder_.path() + "/program").c_str(), 0777);
  CommandProviderOptions options;
  options.trusted_owner = ::getuid();
  EXPECT_EQ(load_command_provider(folder_.path() + "/p.toml", options).error().code(),
            Errc::access_denied);
}

}  // namespace
}  // namespace stillframe::tests

// Snapshots of real file systems through the client: by the built-in providers in processes of
// their own, by a provider that is a program, and of images on images.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace fs = std::filesystem;

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Real volumes and real providers; only the writers are the test's.
class RealSnapshotsTest : public CoordinatorFixture {
 protected:
  void start_hosted() {
    options_.providers_in_process = false;
    seams_.builtin_providers = true;
    auto started = coordinator::start_embedded(options_, seams_);
    ASSERT_TRUE(started.ok()) << error_of(started);
    coordinator_ = std::move(started).value();
    for (auto& writer : writers_) ASSERT_TRUE(coordinator_->add_writer(*writer).ok());
  }

  // A writer whose file says "held" while it is held and "running" otherwise.
  ScriptedWriter& add_application(const std::string& name, const std::string& home) {
    fs::create_directories(home);
    write_text(home + "/word", "running");
    ScriptedWriterOptions options;
    options.name = name;
    options.directory = home;
    return add_writer(options, [this, home](const std::string& verb, const CallContext&) -> Status {
      if (verb == "freeze") write_text(home + "/word", "held");
      if (verb == "freeze" && while_held) while_held();
      if (verb == "thaw") write_text(home + "/word", "running");
      return Ok{};
    });
  }

  // A set that outlives its session.
  Result<SnapshotSetResult> keep(Client& requestor, const std::string& provider = {}) {
    auto session = prepared(requestor);
    if (!session.ok()) return session.error();
    SnapshotOptions options;
    options.provider = provider;
    options.attributes.persistent = true;
    options.auto_release = false;
    auto set = session.value().create_snapshots(options);
    if (!set.ok()) return set;
    if (auto ended = session.value().end(); !ended.ok()) return ended.error();
    return set;
  }

  // Those of this coordinator; providers list what other runs left, too.
  static std::vector<SnapshotInfo> of_set(Client& requestor, const SetId& set) {
    std::vector<SnapshotInfo> mine;
    auto listed = requestor.snapshots();
    EXPECT_TRUE(listed.ok()) << error_of(listed);
    for (auto& snapshot : listed.value())
      if (snapshot.set == set) mine.push_back(std::move(snapshot));
    return mine;
  }

  // Where the snapshot keeps what lies at `path` on its volume.
  static std::string inside(const SnapshotInfo& snapshot, const std::string& path) {
    return snapshot.root + path.substr(snapshot.volume.mount_point.size());
  }

  // The provider hosts of this process, told by their program's name.
  static std::vector<pid_t> provider_hosts() {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::string stat = text_of(entry.path() / "stat");
      const auto end = stat.rfind(')');
      if (end == std::string::npos || stat.find("(stillframe-prov)") == std::string::npos) continue;
      char state = 0;
      pid_t parent = 0;
      std::istringstream(stat.substr(end + 1)) >> state >> parent;
      if (parent == ::getpid() && state != 'Z') found.push_back(std::stoi(name));
    }
    return found;
  }

  std::function<void()> while_held;
};

// ---- what the machine's list takes out

class PrunedSnapshotsTest : public RealSnapshotsTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "lists of the machine belong to root, and this is not";
    std::string reason;
    fs_ = LoopFs::make(FsKind::btrfs, reason);
    if (!fs_) GTEST_SKIP() << reason;
    seams_.exclude_from_snapshot = directory_.path() + "/lists.d";
    fs::create_directories(seams_.exclude_from_snapshot);
    fs::create_directories(fs_->mount_point() + "/cache/deep");
  }
  void put_list(const std::string& text) const {
    write_text(seams_.exclude_from_snapshot + "/50-cache.list", text);
  }
  std::unique_ptr<LoopFs> fs_;
};

TEST_F(PrunedSnapshotsTest, WhatAListNamesIsTakenOutUnlessAWriterClaimsIt) {
  const std::string root = fs_->mount_point();
  add_application("orders", root + "/app");
  write_text(root + "/app/x.tmp", "a writer's");
  write_text(root + "/cache/deep/x.tmp", "nobody's");
  write_text(root + "/cache/kept", "not on the list");
  put_list(root + "/**/*.tmp\n");
  start_hosted();
  Client requestor = client();
  auto set = keep(requestor);
  ASSERT_TRUE(set.ok()) << error_of(set);
  const SnapshotInfo& made = set.value().snapshots.at(0);
  EXPECT_FALSE(fs::exists(inside(made, root + "/cache/deep/x.tmp")));
  EXPECT_EQ(text_of(inside(made, root + "/cache/kept")), "not on the list");
  EXPECT_EQ(text_of(inside(made, root + "/app/x.tmp")), "a writer's");
  EXPECT_EQ(text_of(root + "/cache/deep/x.tmp"), "nobody's");
  std::ofstream sealed(inside(made, root + "/cache/kept"));
  EXPECT_FALSE(sealed.is_open());
  const auto& timeline = set.value().evidence.timeline;
  EXPECT_TRUE(std::any_of(timeline.begin(), timeline.end(), [](const PhaseTime& entry) {
    return entry.phase == "take out" && entry.detail.find("1 files") == 0;
  }));
  EXPECT_TRUE(requestor.remove_snapshot(made.snapshot).ok());
}

TEST_F(PrunedSnapshotsTest, AListWithAMistakeRefusesTheSetWithItsLine) {
  add_application("orders", fs_->mount_point() + "/app");
  put_list("# caches\nno absolute path\n");
  start_hosted();
  Client requestor = client();
  auto set = keep(requestor);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::invalid_argument);
  EXPECT_THAT(set.error().what(), HasSubstr("50-cache.list:2"));
}

// ---- every built-in provider, hosted

struct Pairing {
  const char* provider;
  FsKind fs;
  bool on_image = false;  // the file system's image lies on an XFS made for it
};

class HostedSnapshotsTest : public RealSnapshotsTest,
                            public ::testing::WithParamInterface<Pairing> {
 protected:
  void SetUp() override {
    std::string reason;
    LoopFsOptions options;
    if (GetParam().on_image) {
      LoopFsOptions large;
      large.image_bytes = std::uint64_t{1} << 30;
      host_ = LoopFs::make(FsKind::xfs, reason, large);
      if (!host_) GTEST_SKIP() << reason;
      options.image_bytes = std::uint64_t{64} << 20;
      options.image_directory = host_->mount_point();
    }
    fs_ = LoopFs::make(GetParam().fs, reason, options);
    if (!fs_) GTEST_SKIP() << reason;
    home_ = fs_->mount_point() + "/app";
    add_application("orders", home_);
    start_hosted();
  }
  void TearDown() override {
    for (const SetId& set : sets_)
      if (coordinator_) {
        Client requestor = client();
        for (const auto& left : of_set(requestor, set)) {
          const Status removed = requestor.remove_snapshot(left.snapshot);
          EXPECT_TRUE(removed.ok()) << error_of(removed);
        }
        EXPECT_THAT(of_set(requestor, set), IsEmpty());
      }
    stop();
  }

  SnapshotInfo keep_one(Client& requestor) {
    auto set = keep(requestor, GetParam().provider);
    EXPECT_TRUE(set.ok()) << error_of(set);
    if (!set.ok()) return {};
    EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
        << set.value().evidence.reason;
    sets_.push_back(set.value().set);
    return set.value().snapshots.at(0);
  }

  std::unique_ptr<LoopFs> host_, fs_;
  std::string home_;
  std::vector<SetId> sets_;
};

TEST_P(HostedSnapshotsTest, IsExposedMadeWritableAndRevertedThroughTheClient) {
  Client requestor = client();
  const SnapshotInfo made = keep_one(requestor);
  ASSERT_FALSE(made.root.empty());
  EXPECT_THAT(provider_hosts(), Not(IsEmpty()));

  const std::string place = directory_.path() + "/look";
  auto exposed = requestor.expose_snapshot(made.snapshot, place);
  ASSERT_TRUE(exposed.ok()) << error_of(exposed);
  EXPECT_EQ(text_of(place + "/app/word"), "held");
  EXPECT_EQ(of_set(requestor, made.set).at(0).exposed_at, place);
  std::ofstream refused(place + "/app/word");
  EXPECT_FALSE(refused.is_open());
  const Status hidden = requestor.unexpose_snapshot(made.snapshot);
  ASSERT_TRUE(hidden.ok()) << error_of(hidden);
  EXPECT_FALSE(fs::exists(place + "/app/word"));
  EXPECT_EQ(of_set(requestor, made.set).at(0).exposed_at, "");

  EXPECT_EQ(text_of(home_ + "/word"), "running");
  const Status reverted = requestor.revert_snapshot(made.snapshot, {});
  ASSERT_TRUE(reverted.ok()) << error_of(reverted);
  EXPECT_EQ(text_of(home_ + "/word"), "held");

  const Status writable = requestor.make_writable(made.snapshot);
  ASSERT_TRUE(writable.ok()) << error_of(writable);
  const std::string word = inside(of_set(requestor, made.set).at(0), home_ + "/word");
  write_text(word, "changed in the snapshot");
  EXPECT_EQ(text_of(word), "changed in the snapshot");
  EXPECT_EQ(text_of(home_ + "/word"), "held");  // the volume itself is another matter
}

TEST_P(HostedSnapshotsTest, ABusyVolumeIsNotRevertedAndTheProcessIsNamed) {
  Client requestor = client();
  const SnapshotInfo made = keep_one(requestor);
  ASSERT_FALSE(made.root.empty());
  std::ifstream open(home_ + "/word");
  const Status refused = requestor.revert_snapshot(made.snapshot, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  EXPECT_THAT(refused.error().what(), HasSubstr("process " + std::to_string(::getpid())));
  EXPECT_EQ(text_of(home_ + "/word"), "running");
}

TEST_P(HostedSnapshotsTest, AHostThatIsKilledInsideTheHoldCostsTheSetAndNothingElse) {
  Client requestor = client();
  while_held = [] {
    for (const pid_t host : provider_hosts()) ::kill(host, SIGKILL);
  };
  auto failed = keep(requestor, GetParam().provider);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(retry_advice(failed.error().code()).kind, RetryClass::retry_later) << error_of(failed);
  EXPECT_TRUE(writers_[0]->wait_thawed());
  write_text(home_ + "/alive", "yes");  // would hang on a file system that stayed frozen
  while_held = {};
  EXPECT_EQ(keep_one(requestor).reason_unusable, "");
}

INSTANTIATE_TEST_SUITE_P(
    Providers, HostedSnapshotsTest,
    ::testing::Values(Pairing{"btrfs", FsKind::btrfs}, Pairing{"reflink", FsKind::xfs},
                      Pairing{"copy", FsKind::ext4}, Pairing{"image", FsKind::ext4, true}),
    [](const auto& pairing) {
      return std::string(pairing.param.provider) + "_on_" + to_string(pairing.param.fs);
    });

// ---- a provider that is a program

TEST_F(RealSnapshotsTest, ACommandProviderCutsAndIsListedBesideTheBuiltInOnes) {
  std::string reason;
  auto xfs = LoopFs::make(FsKind::xfs, reason);
  if (!xfs) GTEST_SKIP() << reason;
  const std::string program = directory_.path() + "/reflink_copy";
  fs::copy_file(std::string(SAMPLES) + "/command_provider/reflink_copy", program);
  ::chmod(program.c_str(), 0755);
  std::string toml = text_of(std::string(SAMPLES) + "/command_provider/reflink_copy.toml");
  const auto put = [&toml](const std::string& from, const std::string& to) {
    const auto at = toml.find("\"" + from + "\"");
    ASSERT_NE(at, std::string::npos) << from;
    toml.replace(at + 1, from.size(), to);
  };
  put("/usr/local/libexec/stillframe/reflink_copy", program);
  put("/var/lib/stillframe/reflink_copy", directory_.path() + "/copies");
  write_text(directory_.path() + "/provider.toml", toml);
  options_.command_providers = {directory_.path() + "/provider.toml",
                                directory_.path() + "/missing.toml"};
  add_application("orders", xfs->mount_point() + "/app");
  start_hosted();

  Client requestor = client();
  auto providers = requestor.providers();
  ASSERT_TRUE(providers.ok());
  const auto named = std::count_if(providers.value().begin(), providers.value().end(),
                                   [](const auto& info) { return info.name == "reflink-copy"; });
  EXPECT_EQ(named, 1);
  EXPECT_THAT(events(), Contains(HasSubstr("missing.toml")));  // loud, and nobody else's matter
  auto set = keep(requestor, "reflink-copy");
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
      << set.value().evidence.reason;
  const SnapshotInfo made = set.value().snapshots.at(0);
  EXPECT_EQ(text_of(inside(made, xfs->mount_point() + "/app/word")), "held");
  const Status removed = requestor.remove_snapshot(made.snapshot);
  EXPECT_TRUE(removed.ok()) << error_of(removed);
  EXPECT_FALSE(fs::exists(made.root));
}

// ---- an image and its host in one set

class NestedImagesTest : public RealSnapshotsTest {
 protected:
  void SetUp() override {
    std::string reason;
    LoopFsOptions options;
    options.image_bytes = std::uint64_t{1} << 30;
    host_ = LoopFs::make(FsKind::xfs, reason, options);
    if (!host_) GTEST_SKIP() << reason;
    options.image_bytes = std::uint64_t{64} << 20;
    options.image_directory = host_->mount_point();
    inner_ = LoopFs::make(FsKind::ext4, reason, options);
    if (!inner_) GTEST_SKIP() << reason;
    add_application("outer", host_->mount_point() + "/app");
    add_application("inner", inner_->mount_point() + "/app");
  }
  void TearDown() override { stop(); }

  std::unique_ptr<LoopFs> host_, inner_;  // the image goes before what it lies on
};

TEST_F(NestedImagesTest, OneSetOfBothTakesAProviderThatFreezesNeither) {
  start_hosted();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  ASSERT_THAT(set.value().snapshots, SizeIs(2));
  for (const auto& snapshot : set.value().snapshots) {
    EXPECT_NE(snapshot.provider_name, "image");
    EXPECT_EQ(text_of(inside(snapshot, snapshot.volume.mount_point + "/app/word")), "held");
  }
  EXPECT_TRUE(session.value().end().ok());
}

TEST_F(NestedImagesTest, AskedForTheImageProviderOneSetOfBothIsRefusedNamingBoth) {
  start_hosted();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  SnapshotOptions image;
  image.provider = "image";
  auto refused = session.value().create_snapshots(image);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::volume_not_supported);
  EXPECT_THAT(refused.error().what(), HasSubstr(inner_->mount_point()));
  EXPECT_THAT(refused.error().what(), HasSubstr(host_->mount_point()));
  EXPECT_EQ(writers_[0]->count("freeze") + writers_[1]->count("freeze"), 0u);
}

TEST_F(NestedImagesTest, TheImageAloneIsCutByTheImageProvider) {
  start_hosted();
  Client requestor = client();
  ComponentSelector inner = select_all();
  inner.writer = "inner";
  auto session = prepared(requestor, {}, {inner});
  ASSERT_TRUE(session.ok()) << error_of(session);
  SnapshotOptions image;
  image.provider = "image";
  auto set = session.value().create_snapshots(image);
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent);
  const SnapshotInfo made = set.value().snapshots.at(0);
  EXPECT_EQ(text_of(inside(made, inner_->mount_point() + "/app/word")), "held");
  EXPECT_TRUE(session.value().end().ok());
}

}  // namespace
}  // namespace stillframe

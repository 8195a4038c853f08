// Whole backups of one machine by another: the command line on one side, a daemon, its mover and a
// real file system on the other.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/base/sha256.hpp"
#include "framework/remote/mover_control.hpp"
#include "requestor/remote/mover_link.hpp"
#include "requestor/remote/remote_host.hpp"
#include "tests/remote/support/remote_daemon.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using requestor::MoverFrame;
using requestor::MoverLink;
using requestor::MoverRequest;
using requestor::MoverVerb;
using testing::HasSubstr;
namespace fs = std::filesystem;

struct FolderWriter final : Writer {
  explicit FolderWriter(std::string place) : folder(std::move(place)) {}
  const std::string folder;

  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("0c1d2e3f-1111-4222-8333-444455557777").value();
    who.name = "Shop";
    who.instance_name = "shop";
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    Component component;
    component.name = {"", "files"};
    FileSet files;
    files.path = folder;
    files.pattern = "*";
    files.recursive = true;
    component.files = {files};
    metadata.components = {component};
    metadata.schema.bits = BackupSchema::kCopy;
    return metadata;
  }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
};

constexpr std::size_t kLargeBytes = std::size_t{48} << 20;

void put(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << content;
}

// A folder with one of everything.
void fill(const std::string& folder) {
  put(folder + "/plain", "some text");
  put(folder + "/deep/er/file", "deeper");
  put(folder + "/empty", "");
  std::string large(kLargeBytes, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + (i >> 13));
  put(folder + "/large", large);
  put(folder + "/private", "for its owner's eyes");
  fs::permissions(folder + "/private", fs::perms(0600));
  (void)!::chown((folder + "/private").c_str(), 4711, 4711);
  fs::create_hard_link(folder + "/plain", folder + "/same");
  fs::create_symlink("../nowhere", folder + "/link");
  const int sparse = ::open((folder + "/sparse").c_str(), O_CREAT | O_WRONLY, 0640);
  (void)!::pwrite(sparse, "begin", 5, 0);
  (void)!::pwrite(sparse, "middle", 6, 8 << 20);
  (void)!::ftruncate(sparse, 20 << 20);
  ::close(sparse);
  ::setxattr((folder + "/plain").c_str(), "user.note", "a\0b", 3, 0);
}

// A set's files, by what must be the same however they came: everything but when they were read.
json files_of(const std::string& set) {
  json files = json::parse(std::ifstream(set + "/manifest.json"))["files"];
  for (json& file : files) file["attributes"].erase("accessed_ns");
  return files;
}

class RemoteBackup : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::btrfs, reason);
    if (!fs_) GTEST_SKIP() << reason;
    folder_ = fs_->mount_point() + "/app";
    fill(folder_);
    ASSERT_TRUE(remote_.start().ok()) << remote_.daemon().log();
    writer_ = std::make_unique<FolderWriter>(folder_);
    WriterHostOptions options;
    options.socket_dir = remote_.daemon().socket_dir();
    auto host = WriterHost::start(*writer_, options);
    ASSERT_TRUE(host.ok());
    host_ = std::move(host).value();
    ASSERT_TRUE(host_->wait_registered(20s).ok());
  }

  std::vector<std::string> remotely(const std::vector<std::string>& words) const {
    const RemoteOptions options = remote_.options();
    std::vector<std::string> all{program("stillframe"),
                                 "--host",
                                 to_string(options.address),
                                 "--certificate",
                                 options.tls.certificate,
                                 "--key",
                                 options.tls.key,
                                 "--ca",
                                 options.tls.ca,
                                 "--timeout",
                                 "30"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  std::string backup(std::vector<std::string> words, const std::string& store) {
    words.insert(words.end(), {"backup", store, "--json"});
    std::string said;
    const int code = run_program(words, &said);
    EXPECT_EQ(code, 0) << said << remote_.daemon().log();
    const json out = json::parse(said, nullptr, false);
    return out.is_object() ? out.value("set", "") : "";
  }
  // A session that is ready to be read.
  struct Open {
    std::shared_ptr<requestor::RemoteHost> host;
    std::unique_ptr<Client> client;
    std::unique_ptr<BackupSession> session;
    std::vector<SnapshotInfo> snapshots;
  };
  Open open_session() {
    Open open;
    auto host = requestor::RemoteHost::connect(remote_.options());
    EXPECT_TRUE(host.ok()) << host.error().what();
    if (!host.ok()) return open;
    open.host = std::move(host).value();
    open.client = std::make_unique<Client>(open.host->channel());
    auto session = open.client->begin_backup({});
    EXPECT_TRUE(session.ok()) << session.error().what();
    if (!session.ok()) return open;
    open.session = std::make_unique<BackupSession>(std::move(session).value());
    EXPECT_TRUE(open.session->gather().ok());
    EXPECT_TRUE(open.session->select({{"", "*", {}, "", {}}}).ok());
    EXPECT_TRUE(open.session->prepare().ok());
    auto set = open.session->create_snapshots({});
    EXPECT_TRUE(set.ok()) << set.error().what();
    if (set.ok()) open.snapshots = set.value().snapshots;
    return open;
  }
  json admission(const Open& open) {
    const json params = {{"session", open.session->id().to_string()}};
    auto reply = open.host->channel()->call("backup.mover", params.dump());
    EXPECT_TRUE(reply.ok()) << reply.error().what();
    return reply.ok() ? json::parse(reply.value().json) : json();
  }
  // A link that has shown `ticket`; the error when it was not taken.
  Result<std::unique_ptr<MoverLink>> come(const json& admission, std::string ticket,
                                          const RemoteOptions& options) {
    auto session =
        connect_mover(options, parse_mover_name(admission["mover"].get<std::string>()).value(),
                      parse_sha256(admission["certificate_sha256"].get<std::string>()).value());
    if (!session.ok()) return session.error();
    auto link = std::make_unique<MoverLink>(std::move(session).value());
    const MoverTicket bytes = parse_mover_ticket(ticket).value();
    (void)link->send(MoverFrame::ticket, {reinterpret_cast<const char*>(bytes.data()), 32}, 20s);
    auto answer = link->receive(20s);
    if (!answer.ok()) return answer.error();
    if (answer.value().kind == MoverFrame::error)
      return requestor::decode_mover_error(answer.value().payload);
    return link;
  }
  bool no_snapshot_is_left() {
    for (int round = 0; round < 1500; ++round) {
      auto channel = remote_.daemon().connect();
      if (channel.ok()) {
        auto left = Client(std::move(channel).value()).snapshots();
        if (left.ok() && left.value().empty()) return true;
      }
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }
  std::vector<pid_t> movers() { return children_of(remote_.daemon().pid(), kMoverProgram); }

  std::unique_ptr<LoopFs> fs_;
  RemoteDaemon remote_{"[providers]\nbuiltin = true\n"};
  std::string folder_;
  std::unique_ptr<FolderWriter> writer_;
  std::unique_ptr<WriterHost> host_;
};

TEST_F(RemoteBackup, EqualsTheLocalOneByteForByte) {
  const std::string base = remote_.folder();
  const std::string local =
      backup({program("stillframe"), "--socket", remote_.daemon().socket_dir()}, base + "/local");
  const std::string far = backup(remotely({}), base + "/far");
  ASSERT_NE(local, "");
  ASSERT_NE(far, "");
  EXPECT_EQ(files_of(local), files_of(far));
  std::string said;
  EXPECT_EQ(run_program({"/usr/bin/diff", "-r", "--no-dereference", local + "/data", far + "/data"},
                        &said),
            0)
      << said;
  EXPECT_EQ(run_program({program("stillframe"), "verify", far}, &said), 0) << said;
  struct stat sparse {};
  ASSERT_EQ(::stat((far + "/data" + folder_ + "/sparse").c_str(), &sparse), 0);
  EXPECT_LT(sparse.st_blocks * 512, 4 << 20) << "holes stay holes";
  EXPECT_TRUE(no_snapshot_is_left());
  EXPECT_TRUE(movers().empty());
}

TEST_F(RemoteBackup, VerbsThatNeedTheOtherMachineSaySo) {
  const auto refused = [&](const std::vector<std::string>& words, const char* why) {
    std::string said;
    EXPECT_NE(run_program(remotely(words), &said), 0) << words.front();
    EXPECT_THAT(said, HasSubstr(why));
  };
  refused({"restore", "/nowhere"}, "run it on the machine that gets them");
  refused({"exec", "--", "true"}, "by their paths");
  refused({"doctor"}, "run it there");
  std::string said;
  for (const char* verb : {"status", "writers", "volumes", "providers", "sessions", "events"}) {
    EXPECT_EQ(run_program(remotely({verb}), &said), 0) << verb << said;
  }
  EXPECT_EQ(run_program(remotely({"hold", "--", "/bin/true"}), &said), 0) << said;
}

TEST_F(RemoteBackup, ATicketIsGoodOnceAndForItsCertificateOnly) {
  Open open = open_session();
  ASSERT_FALSE(open.snapshots.empty());
  const json first = admission(open);
  const std::string ticket = first["ticket"];
  const RemoteOptions own = remote_.options();
  const RemoteOptions other = remote_.options(remote_.authority().issue("other", {"backup1"}));
  EXPECT_FALSE(come(first, ticket, other).ok()) << "the name is the same, the certificate is not";
  const std::string forged = (ticket.front() == '0' ? "1" : "0") + ticket.substr(1);
  auto refused = come(first, forged, own);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::access_denied) << refused.error().what();
  EXPECT_TRUE(come(first, ticket, own).ok());
  refused = come(first, ticket, own);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::access_denied) << refused.error().what();
}

TEST_F(RemoteBackup, NothingOutsideTheSnapshotsIsRead) {
  put(fs_->mount_point() + "/secret", "outside the component, inside the volume");
  fs::create_symlink("/etc/passwd", folder_ + "/passwd");
  fs::create_symlink("/etc", folder_ + "/etc");
  Open open = open_session();
  ASSERT_FALSE(open.snapshots.empty());
  const json first = admission(open);
  auto link = come(first, first["ticket"], remote_.options());
  ASSERT_TRUE(link.ok()) << link.error().what();
  const auto answer = [&](const std::string& request) {
    EXPECT_TRUE(link.value()->send(MoverFrame::request, request, 20s).ok());
    auto frame = link.value()->receive(20s);
    EXPECT_TRUE(frame.ok()) << frame.error().what();
    return frame.ok() ? frame.value().kind : MoverFrame::error;
  };
  MoverRequest request;
  request.verb = MoverVerb::read;
  request.volume = open.snapshots.front().volume.mount_point;
  for (const char* path : {"app/passwd", "app/etc/passwd", "app/link"}) {
    request.path = path;
    EXPECT_EQ(answer(encode(request)), MoverFrame::error) << path;
  }
  json crafted = json::parse(encode(request));
  for (const char* path : {"../../etc/passwd", "/etc/passwd", "app/../../x", ".."}) {
    crafted["path"] = path;
    EXPECT_EQ(answer(crafted.dump()), MoverFrame::error) << path;
  }
  crafted["path"] = "etc/passwd";
  crafted["volume"] = "/";
  EXPECT_EQ(answer(crafted.dump()), MoverFrame::error);
  EXPECT_EQ(answer("no json at all"), MoverFrame::error);
  request.path = "app/plain";
  EXPECT_EQ(answer(encode(request)), MoverFrame::answer) << "and what is inside, is";
}

// A copy that a dead mover cut off publishes nothing, and its snapshot goes.
TEST_F(RemoteBackup, AMoverThatDiesEndsTheReadAndTheSnapshotGoes) {
  Open open = open_session();
  ASSERT_FALSE(open.snapshots.empty());
  auto sources = open.host->open(open.session->id(), open.snapshots);
  ASSERT_TRUE(sources.ok()) << sources.error().what();
  auto place = sources.value().in_snapshot(folder_ + "/large");
  ASSERT_TRUE(place.ok());
  auto file = place.value().tree->open_file(place.value().relative);
  ASSERT_TRUE(file.ok()) << file.error().what();
  requestor::CopyRequest request;
  request.name = "large";
  bool killed = false;
  request.observer = [&](std::uint64_t) {
    if (!killed)
      for (const pid_t pid : movers()) ::kill(pid, SIGKILL);
    killed = true;
    return true;
  };
  auto copied = file.value()->copy(request);
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code(), Errc::disconnected) << copied.error().what();
  EXPECT_TRUE(remote_.daemon().logged("the mover ended with signal 9"));
  EXPECT_TRUE(open.session->abort("the mover died").ok());
  EXPECT_TRUE(open.session->end().ok());
  EXPECT_TRUE(no_snapshot_is_left());
}

// What a killed requestor leaves behind is nothing: no mover, no snapshot, no descriptor.
TEST_F(RemoteBackup, ARequestorThatDiesLeavesNoMoverAndNoSnapshot) {
  put(folder_ + "/more", std::string(kLargeBytes, 'x'));
  (void)backup(remotely({}), remote_.folder() + "/warm");
  ASSERT_TRUE(no_snapshot_is_left());
  const std::size_t before = remote_.descriptors();
  const std::vector<std::string> words = remotely({"backup", remote_.folder() + "/cut", "--json"});
  const pid_t requestor = ::fork();
  if (requestor == 0) {
    std::vector<std::string> copy = words;
    std::vector<char*> argv;
    for (auto& word : copy) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (int round = 0; round < 5000 && movers().empty(); ++round) std::this_thread::sleep_for(2ms);
  ::kill(requestor, SIGKILL);
  ::waitpid(requestor, nullptr, 0);
  EXPECT_TRUE(no_snapshot_is_left());
  for (int round = 0; round < 1000 && (!movers().empty() || remote_.descriptors() > before);
       ++round)
    std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(movers().empty());
  EXPECT_LE(remote_.descriptors(), before);
}

// A reader that stops reading stops its own mover and nobody else.
TEST_F(RemoteBackup, AStalledReaderHoldsNobodyUp) {
  Open open = open_session();
  ASSERT_FALSE(open.snapshots.empty());
  const json first = admission(open);
  auto link = come(first, first["ticket"], remote_.options());
  ASSERT_TRUE(link.ok()) << link.error().what();
  MoverRequest request;
  request.verb = MoverVerb::read;
  request.volume = open.snapshots.front().volume.mount_point;
  request.path = "app/large";
  ASSERT_TRUE(link.value()->send(MoverFrame::request, encode(request), 20s).ok());
  // Nothing is read of the answer. The coordinator answers, and the session can end.
  EXPECT_TRUE(open.client->status().ok());
  EXPECT_TRUE(open.session->abort("enough").ok());
  EXPECT_TRUE(open.session->end().ok());
  EXPECT_TRUE(no_snapshot_is_left());
  EXPECT_TRUE(movers().empty());
}

TEST_F(RemoteBackup, AReloadThatTakesTheRightStopsTheMover) {
  Open open = open_session();
  ASSERT_FALSE(open.snapshots.empty());
  (void)admission(open);
  ASSERT_EQ(movers().size(), 1U);
  remote_.allow("'nobody'", "'look'");
  remote_.reload();
  for (int round = 0; round < 1000 && !movers().empty(); ++round) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(movers().empty());
}

}  // namespace
}  // namespace stillframe::tests

// Somebody means harm: a writer that lies, floods and breaks the protocol, a requestor without
// rights. Nothing changes, honest sessions go on, and it costs the daemon little memory and no
// descriptor.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/wire/request_message.hpp"
#include "framework/wire/writer_codec.hpp"
#include "tests/integration/support/stage.hpp"
#include "tests/transport/raw_peer.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kStranger = 54321;
constexpr std::size_t kMessageMax = 768 << 10;  // what a writer may send, unless configured
constexpr std::int64_t kGrowthMaxKib = 32 << 10;

std::int64_t status_kib(pid_t pid, const std::string& key) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1));
  return -1;
}

std::size_t descriptors(pid_t pid) {
  std::error_code failure;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/" + std::to_string(pid) + "/fd", failure), end;
       !failure && it != end; it.increment(failure))
    ++count;
  return count;
}

// The kernel keeps the user of the thread that connects.
class AsUser {
 public:
  explicit AsUser(uid_t uid) { ::syscall(SYS_setresuid, -1, uid, -1); }
  ~AsUser() { ::syscall(SYS_setresuid, -1, 0, -1); }
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
};

class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    StageOptions options;
    options.ground = Ground::btrfs;
    options.lease = 5s;
    options.commit = 10s;
    stage_ = Stage::make(options, reason);
    if (!stage_) GTEST_SKIP() << reason;
    std::filesystem::permissions(stage_->scratch(), std::filesystem::perms(0755));
    Status s = stage_->raise();
    ASSERT_TRUE(s.ok()) << s.error().what();
    honest_session();  // what is loaded and cached once is not the stranger's doing
    descriptors_before_ = fewest_descriptors();
    rss_before_ = status_kib(pid(), "VmRSS");
    // From here on the highest mark is of this test.
    std::ofstream("/proc/" + std::to_string(pid()) + "/clear_refs") << "5";
  }

  void TearDown() override {
    if (!stage_ || IsSkipped()) return;
    honest_session();
    settle();
    const std::int64_t most = status_kib(pid(), "VmHWM");
    std::printf("memory: %lld KiB before, %lld at most\n", static_cast<long long>(rss_before_),
                static_cast<long long>(most));
    EXPECT_LE(most - rss_before_, kGrowthMaxKib);
    EXPECT_LE(descriptors(pid()), descriptors_before_);
  }

  pid_t pid() { return stage_->daemon().pid(); }
  std::string socket(const char* name) { return stage_->daemon().socket_dir() + "/" + name; }

  // Connections that ended are gone within moments.
  void settle() {
    for (int round = 0; round < 400; ++round) {
      if (descriptors(pid()) <= descriptors_before_) return;
      std::this_thread::sleep_for(20ms);
    }
  }

  // What it has when the honest session's connections and provider are gone.
  std::size_t fewest_descriptors() {
    std::size_t fewest = descriptors(pid());
    for (int round = 0; round < 100; ++round) {
      std::this_thread::sleep_for(5ms);
      fewest = std::min(fewest, descriptors(pid()));
    }
    return fewest;
  }

  void honest_session() {
    const SessionResult result = stage_->quiet_session();
    EXPECT_EQ(result.at("ok"), "1") << (result.count("error") != 0 ? result.at("error") : "");
    for (const std::string& app : Stage::apps()) EXPECT_EQ(result.count("label." + app), 1u);
    EXPECT_EQ(stage_->falsehood(result), "");
  }

  static wire::RegisterWriter registration() {
    wire::RegisterWriter wanted;
    wanted.identity.class_id = WriterClassId::generate();
    wanted.identity.name = "Mallory";
    wanted.instance = WriterInstanceId::generate();
    wanted.clock = wire::sample_clock(system_clock());
    return wanted;
  }

  RawPeer registered() {
    RawPeer peer = RawPeer::connect_to(socket("writer.sock"));
    EXPECT_TRUE(peer.send(wire::encode(RawPeer::hello(wire::Role::writer))));
    (void)peer.expect(wire::Kind::welcome);
    EXPECT_TRUE(peer.send(wire::encode(registration())));
    (void)peer.expect(wire::Kind::registered);
    return peer;
  }

  // A writer that is asked for its metadata and answers with `answer`'s bytes.
  void answers_with(const std::function<void(RawPeer&, const wire::RawMessage& call)>& answer) {
    RawPeer mallory = registered();
    std::atomic<bool> asked{false};
    // A writer is told that it is registered a moment before others see it.
    std::thread asking([&] {
      auto channel = stage_->daemon().connect();
      if (!channel.ok()) return;
      Client client(std::move(channel).value());
      while (!asked && client.writers().ok()) std::this_thread::sleep_for(1ms);
    });
    const auto call = mallory.receive();
    asked = true;
    if (call) answer(mallory, *call);
    mallory.close();
    asking.join();
  }
  void answers_with_text(const std::string& payload) {
    answers_with([&](RawPeer& peer, const wire::RawMessage& call) {
      wire::RawMessage answer;
      answer.kind = wire::Kind::answer;
      answer.sequence = call.sequence;
      answer.payload = payload;
      (void)peer.send(answer);
    });
  }
  void answers_with_path(const BytePath& path) {
    answers_with([&](RawPeer& peer, const wire::RawMessage& call) {
      FileSet files;
      files.path = path;
      files.pattern = "*";
      files.recursive = true;
      Component bad;
      bad.name.name = "bad";
      bad.files = {files};
      WriterMetadata metadata;
      metadata.components = {bad};
      WriterAnswer answer;
      answer.payload = metadata;
      (void)peer.send(wire::encode_answer(Verb::identify, answer, call.sequence));
    });
  }

  std::unique_ptr<Stage> stage_;
  std::int64_t rss_before_ = 0;
  std::size_t descriptors_before_ = 0;
};

TEST_F(Hostile, AStrangerIsRefusedHoweverOftenItComes) {
  const AsUser stranger(kStranger);
  for (int i = 0; i < 500; ++i) {
    auto channel = stage_->daemon().connect();
    ASSERT_FALSE(channel.ok());
    EXPECT_EQ(channel.error().code(), Errc::access_denied);
  }
  RawPeer writer = RawPeer::connect_to(socket("writer.sock"));
  EXPECT_EQ(writer.expect_refusal().code(), Errc::access_denied) << "before it says a word";
}

TEST_F(Hostile, HalfFramesAndGarbageAreNotWaitedForLong) {
  std::vector<RawPeer> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(RawPeer::connect_to(socket(i % 2 == 0 ? "writer.sock" : "requestor.sock")));
    (void)peers.back().send_bytes("SFW1\x01\x01");
  }
  RawPeer garbage = RawPeer::connect_to(socket("writer.sock"));
  (void)garbage.send_bytes(std::string(1 << 20, 'x'));
  EXPECT_TRUE(garbage.closed());
  for (RawPeer& peer : peers) EXPECT_TRUE(peer.closed());  // after the handshake's five seconds
}

TEST_F(Hostile, HugeAndMalformedMetadataFailItsWriterAlone) {
  std::string empty_lists = "{\"a\":[[]";
  while (empty_lists.size() < kMessageMax - 16) empty_lists += ",[]";
  std::string names = "{\"a\":0";
  for (int i = 0; names.size() < kMessageMax - 16; ++i) names += ",\"" + std::to_string(i) + "\":0";
  answers_with_text(empty_lists + "]}");
  answers_with_text(names + "}");
  answers_with_text(std::string(kMessageMax, '['));
  answers_with_text(std::string(kMessageMax + 1, ' '));
  answers_with_text("{}");
  answers_with_text("not json");
  answers_with_text("");
  answers_with_text(std::string("{\"a\": \"\xff\xfe\"}"));
}

TEST_F(Hostile, PathsThatLeadAstrayHurtNobodyElse) {
  for (const char* path : {"../../etc", "relative", "", "/", "/proc", "/proc/self/root", "/../..",
                           "//etc//./..", "$HOME", "/dev/mem"})
    answers_with_path(path);
}

TEST_F(Hostile, WrongOrderAndFloodsEndTheConnection) {
  {
    RawPeer peer = registered();
    wire::RawMessage answer;
    answer.kind = wire::Kind::answer;
    answer.sequence = 77;
    answer.payload = "{}";
    (void)peer.send(answer);
    EXPECT_TRUE(peer.closed()) << "an answer to no call";
  }
  {
    RawPeer peer = RawPeer::connect_to(socket("writer.sock"));
    (void)peer.send(wire::encode(registration()));
    EXPECT_TRUE(peer.closed()) << "a registration before the greeting";
  }
  {
    RawPeer peer = registered();
    (void)peer.send(wire::encode(registration()));
    EXPECT_TRUE(peer.closed()) << "a second registration";
  }
  {
    RawPeer peer = RawPeer::connect_to(socket("requestor.sock"));
    (void)peer.send(wire::encode(RawPeer::hello(wire::Role::requestor)));
    (void)peer.expect(wire::Kind::welcome);
    wire::RawMessage heartbeat;
    heartbeat.kind = wire::Kind::heartbeat;
    heartbeat.payload = "{}";
    (void)peer.send(heartbeat);
    EXPECT_TRUE(peer.closed()) << "a requestor does not beat";
  }
}

TEST_F(Hostile, AFloodOfProgressCostsNothingThatStays) {
  answers_with([](RawPeer& peer, const wire::RawMessage&) {
    wire::RawMessage progress;
    progress.kind = wire::Kind::progress;
    progress.payload =
        R"({"verb": "identify", "done": 1, "total": 2, "what": ")" + std::string(1000, 'x') + "\"}";
    for (int i = 0; i < 50'000; ++i)
      if (!peer.send(progress)) return;
  });
}

TEST_F(Hostile, WhoMayOnlyLookChangesNothing) {
  stage_->daemon().drop_in(
      "look.toml", "[[allow]]\nusers = ['" + std::to_string(kStranger) + "']\nrights = ['look']\n");
  stage_->daemon().signal(SIGHUP);
  ASSERT_TRUE(stage_->daemon().logged("\"event_id\":2112"));
  const AsUser stranger(kStranger);
  auto channel = stage_->daemon().connect();
  ASSERT_TRUE(channel.ok()) << channel.error().what();
  EXPECT_TRUE(channel.value()->call("writers", "{}").ok());
  for (const char* method :
       {"backup.begin", "restore.begin", "snapshot.remove", "snapshot.expose", "snapshot.revert",
        "snapshot.make_writable", "session.end", "backup.complete", "plugin.release", "whatever"}) {
    auto reply = channel.value()->call(method, "{}");
    ASSERT_FALSE(reply.ok()) << method;
    EXPECT_EQ(reply.error().code(), Errc::access_denied) << method;
  }
}

TEST_F(Hostile, ARequestorThatFloodsAndDoesNotReadIsAloneWithIt) {
  RawPeer peer = RawPeer::connect_to(socket("requestor.sock"));
  (void)peer.send(wire::encode(RawPeer::hello(wire::Role::requestor)));
  (void)peer.expect(wire::Kind::welcome);
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    auto request = wire::encode_request("providers", "{}", i);
    ASSERT_TRUE(request.ok());
    const auto frames = wire::encode_frames(request.value());
    auto sent = send_some(peer.fd(), frames.value()[0], {});
    if (!sent.ok() || sent.value() < frames.value()[0].size()) break;  // its own queue is full
  }
  honest_session();
}

}  // namespace
}  // namespace stillframe::tests

// A writer behind a socket, and the coordinator's end of it.
#include <future>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/transport/writer_server.hpp"
#include "tests/sdk/recording_writer.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

WriterCall call_of(Verb verb, const SessionId& session) {
  WriterCall call;
  call.verb = verb;
  call.session = session;
  call.deadline = system_clock().now() + 600s;
  return call;
}

WriterAnswer ask(WriterLink& link, WriterCall call) {
  std::promise<WriterAnswer> answer;
  link.call(std::move(call), [&](WriterAnswer a) { answer.set_value(std::move(a)); });
  return answer.get_future().get();
}

class WriterHostTest : public ::testing::Test {
 protected:
  void start_server() {
    WriterServerOptions options;
    options.listen.socket_path = directory_ / "writer.sock";
    auto server = WriterServer::start(options, [this](std::shared_ptr<WriterLink> link) {
      std::lock_guard lock(mutex_);
      links_.push_back(std::move(link));
      changed_.notify_all();
    });
    ASSERT_TRUE(server.ok()) << server.error().what();
    server_ = std::move(server).value();
  }
  void start_host(std::chrono::milliseconds lease = 5s) {
    WriterHostOptions options;
    options.socket_dir = directory_.path();
    options.retry_interval = 5ms;
    options.lease = lease;
    auto host = WriterHost::start(writer_, options);
    ASSERT_TRUE(host.ok());
    host_ = std::move(host).value();
  }
  std::shared_ptr<WriterLink> link(std::size_t index = 0) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, tests::kPatience, [&] { return links_.size() > index; }));
    return links_.at(index);
  }

  tests::SocketFolder directory_;
  tests::RecordingWriter writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<WriterLink>> links_;
  std::unique_ptr<WriterServer> server_;
  std::unique_ptr<WriterHost> host_;
  const SessionId session_ = SessionId::generate();
};

TEST_F(WriterHostTest, RegistersWhicheverSideStartsFirst) {
  start_host();
  EXPECT_FALSE(host_->registered());
  start_server();
  ASSERT_TRUE(host_->wait_registered(tests::kPatience).ok());
  EXPECT_TRUE(host_->registered());
  EXPECT_EQ(link()->identity(), writer_.identity_);
  EXPECT_EQ(link()->instance(), host_->instance());
}

TEST_F(WriterHostTest, NobodyThereIsToldWithItsCause) {
  start_host();
  Status s = host_->wait_registered(20ms);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code(), Errc::timed_out);
  EXPECT_NE(s.error().what().find("writer.sock"), std::string::npos);
}

TEST_F(WriterHostTest, VerbsAndStreamsPassThroughTheSocket) {
  start_server();
  start_host();
  auto writer = link();
  const WriterAnswer identified = ask(*writer, call_of(Verb::identify, session_));
  ASSERT_TRUE(identified.status.ok()) << identified.status.error().what();
  EXPECT_EQ(std::get<WriterMetadata>(identified.payload).identity, writer_.identity_);

  ASSERT_TRUE(ask(*writer, call_of(Verb::freeze, session_)).status.ok());
  const WriterAnswer thawed = ask(*writer, call_of(Verb::thaw, session_));
  const auto& statement = std::get<HoldStatement>(thawed.payload);
  EXPECT_TRUE(statement.unbroken);
  EXPECT_LE(statement.held_from, statement.held_until);

  WriterCall open = call_of(Verb::open_stream, session_);
  open.args = StreamRequest{{"", "data"}, "f"};
  const WriterAnswer opened = ask(*writer, std::move(open));
  ASSERT_EQ(opened.descriptors.size(), 1u);
  std::string content(100, '\0');
  std::size_t got = 0;
  for (ssize_t n = 0;
       (n = ::read(opened.descriptors[0].get(), content.data() + got, content.size() - got)) > 0;) {
    got += static_cast<std::size_t>(n);
  }
  EXPECT_EQ(content.substr(0, got), writer_.content);
}

TEST_F(WriterHostTest, ComesBackWithTheSameInstanceAfterTheCoordinatorRestarts) {
  start_server();
  start_host();
  (void)link(0);
  server_.reset();
  start_server();
  EXPECT_EQ(link(1)->instance(), link(0)->instance());
  ASSERT_TRUE(host_->wait_registered(tests::kPatience).ok());
}

TEST_F(WriterHostTest, CoordinatorThatEndsWhileFrozenIsAnsweredByAThawAndTheEndOfTheSession) {
  start_server();
  start_host();
  ASSERT_TRUE(ask(*link(), call_of(Verb::freeze, session_)).status.ok());
  server_.reset();
  writer_.wait_for("shutdown");
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw", "abort", "shutdown"}));
}

TEST_F(WriterHostTest, SecondWriterOfTheNameIsRefusedUntilTheFirstIsGone) {
  start_server();
  start_host();
  ASSERT_TRUE(host_->wait_registered(tests::kPatience).ok());
  tests::RecordingWriter twin;
  WriterHostOptions options;
  options.socket_dir = directory_.path();
  options.retry_interval = 5ms;
  std::promise<void> refused;
  std::atomic<bool> told{false};
  options.log = [&](std::string_view line) {
    if (line.find("already") != std::string_view::npos && !told.exchange(true)) {
      refused.set_value();
    }
  };
  auto second = WriterHost::start(twin, options);
  ASSERT_TRUE(second.ok());
  refused.get_future().get();
  EXPECT_FALSE(second.value()->registered());
  host_.reset();
  EXPECT_TRUE(second.value()->wait_registered(tests::kPatience).ok());
}

TEST_F(WriterHostTest, EndOfTheHostThawsAndLeaves) {
  start_server();
  start_host();
  auto writer = link();
  ASSERT_TRUE(ask(*writer, call_of(Verb::freeze, session_)).status.ok());
  std::promise<Error> gone;
  writer->on_gone([&](Error why) { gone.set_value(why); });
  host_.reset();
  EXPECT_EQ(gone.get_future().get().code(), Errc::writer_gone);
  EXPECT_GE(writer_.count("thaw"), 1u);
}

TEST_F(WriterHostTest, TheConnectionIsReadWhileTheWriterIsBusy) {
  start_server();
  start_host(600s);
  auto writer = link();
  // Freeze gives up only because a cancel, sent behind a heartbeat, was read while it ran.
  tests::Gate gate;
  writer_.on("freeze", [&](const CallContext& context) -> Status {
    gate.open();
    while (!context.cancel->cancelled()) std::this_thread::sleep_for(1ms);
    return Ok{};
  });
  std::promise<WriterAnswer> frozen;
  writer->call(call_of(Verb::freeze, session_),
               [&](WriterAnswer a) { frozen.set_value(std::move(a)); });
  gate.pass();
  // Each comes back, or the link would be given up long before the last.
  for (int beat = 0; beat < 20; ++beat) {
    writer->heartbeat(session_);
    std::this_thread::sleep_for(5ms);
  }
  writer->cancel(session_);
  EXPECT_EQ(frozen.get_future().get().status.error().code(), Errc::timed_out);
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw"}));
}

// All hosts of a process share the thread that reads their connections, and perhaps runs verbs.
TEST_F(WriterHostTest, AWriterThatHangsKeepsNoNeighbourWaiting) {
  start_server();
  start_host(600s);
  auto hanging = link(0);
  tests::RecordingWriter neighbour;
  neighbour.identity_.instance_name = "neighbour";
  WriterHostOptions options;
  options.socket_dir = directory_.path();
  auto host = WriterHost::start(neighbour, options);
  ASSERT_TRUE(host.ok());
  auto other = link(1);
  tests::Gate gate;
  writer_.on("freeze", [&](const CallContext&) -> Status {
    gate.pass();
    return Ok{};
  });
  std::promise<WriterAnswer> frozen;
  hanging->call(call_of(Verb::freeze, session_),
                [&](WriterAnswer a) { frozen.set_value(std::move(a)); });
  gate.wait_until_reached();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(ask(*other, call_of(Verb::freeze, session_)).status.ok());
    EXPECT_TRUE(ask(*other, call_of(Verb::thaw, session_)).status.ok());
    hanging->heartbeat(session_);  // comes back, or the link would be given up
  }
  gate.open();
  EXPECT_TRUE(frozen.get_future().get().status.ok());
}

TEST_F(WriterHostTest, LimitsOfZeroAreRefused) {
  WriterHostOptions options;
  options.lease = 0ms;
  EXPECT_EQ(WriterHost::start(writer_, options).error().code(), Errc::invalid_argument);
}

// A coordinator in a process of its own that freezes the writer and then sends heartbeats. Forked
// before this process has any thread.
class CoordinatorProcess {
 public:
  explicit CoordinatorProcess(const std::string& socket_path) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      run(socket_path, ends[1]);
      ::_exit(1);
    }
    ::close(ends[1]);
    frozen_ = Descriptor(ends[0]);
  }
  ~CoordinatorProcess() {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  // True once the writer has answered freeze with ok.
  bool wait_frozen() {
    char byte = 0;
    return ::read(frozen_.get(), &byte, 1) == 1 && byte == 'f';
  }
  void signal(int number) { ::kill(pid_, number); }

 private:
  static void run(const std::string& socket_path, int frozen) {
    std::promise<std::shared_ptr<WriterLink>> linked;
    WriterServerOptions options;
    options.listen.socket_path = socket_path;
    auto server = WriterServer::start(
        options, [&](std::shared_ptr<WriterLink> link) { linked.set_value(std::move(link)); });
    if (!server.ok()) return;
    auto link = linked.get_future().get();
    const SessionId session = SessionId::generate();
    const bool ok = ask(*link, call_of(Verb::freeze, session)).status.ok();
    if (::write(frozen, ok ? "f" : "x", 1) != 1) return;
    while (true) {
      link->heartbeat(session);
      std::this_thread::sleep_for(20ms);
    }
  }

  pid_t pid_ = -1;
  Descriptor frozen_;
};

constexpr std::chrono::milliseconds kShortLease{300};
constexpr std::chrono::milliseconds kMargin{1000};  // design: dead-man thaw within lease + 1 s

class DeadCoordinator : public WriterHostTest {
 protected:
  // How long after `number` hit the coordinator the writer was thawed.
  Duration thawed_after(int number) {
    CoordinatorProcess coordinator(directory_ / "writer.sock");
    start_host(kShortLease);
    EXPECT_TRUE(coordinator.wait_frozen());
    const BootTime hit = system_clock().now();
    EXPECT_EQ(writer_.count("thaw"), 0u);
    coordinator.signal(number);
    writer_.wait_for("thaw");
    return system_clock().now() - hit;
  }
};

TEST_F(DeadCoordinator, KilledWhileTheWriterIsFrozenThawsItWithinTheLease) {
  EXPECT_LE(thawed_after(SIGKILL), kShortLease + kMargin);
  writer_.wait_for("shutdown");
  EXPECT_EQ(writer_.count("abort"), 1u);
}

TEST_F(DeadCoordinator, StoppedWhileTheWriterIsFrozenThawsItWithinTheLease) {
  EXPECT_LE(thawed_after(SIGSTOP), kShortLease + kMargin);
}

TEST_F(DeadCoordinator, WriterComesBackToTheNextCoordinator) {
  (void)thawed_after(SIGKILL);
  start_server();
  ASSERT_TRUE(host_->wait_registered(tests::kPatience).ok());
  EXPECT_TRUE(ask(*link(), call_of(Verb::freeze, session_)).status.ok());
}

}  // namespace
}  // namespace stillframe

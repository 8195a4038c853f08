// The samples' plug-ins and a declarative writer in real host processes, with a whole coordinator.
#include <csignal>
#include <fstream>
#include <future>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/memory_event_sink.hpp"
#include "framework/daemon/hosts/host_starter.hpp"
#include "framework/daemon/hosts/hosts_handler.hpp"
#include "framework/transport/requestor_server.hpp"
#include "tests/coordinator/support/fixture.hpp"
#include "tests/daemon/hosts/wait_until.hpp"

namespace stillframe::daemon {
namespace {

using namespace std::chrono_literals;
using namespace stillframe::tests;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class PluginHostTest : public CoordinatorFixture {
 protected:
  PluginHostTest() {
    options_.socket_dir = directory_.path() + "/s";
    fs::create_directories(options_.socket_dir);
    fs::create_directories(directory_.path() + "/hosts");
  }
  void TearDown() override {
    supervisor_.reset();
    stop();
  }

  HostSpec plugin(const std::string& name, const std::string& file) {
    return {name, HostKind::plugin_writer, file, "",
            "{\"directory\":\"" + make_volume(name) + "\"}"};
  }
  HostSpec notes() { return plugin("notes", NOTES_WRITER); }
  HostSpec ledger() { return plugin("ledger", LEDGER_WRITER); }

  HostSpec declarative() {
    const std::string home = make_volume("orders");
    const std::string program = directory_.path() + "/session";
    std::ofstream(program) << "#!/bin/bash\nwhile read -r order rest; do case $order in\n"
                           << "FREEZE) echo held > " << home << "/word; echo OK;;\n"
                           << "THAW) echo running > " << home << "/word; echo HELD;;\n"
                           << "END) exit 0;;\n*) echo OK;;\nesac; done\n";
    ::chmod(program.c_str(), 0755);
    const std::string file = directory_.path() + "/orders.toml";
    std::ofstream(file) << "format = 1\n[writer]\n"
                        << "class_id = '5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31'\n"
                        << "name = 'Orders'\n[run]\nsession = ['" << program << "']\n"
                        << "[[component]]\nname = 'db'\n[[component.files]]\npath = '" << home
                        << "'\n";
    ::chmod(file.c_str(), 0644);
    return {"orders", HostKind::declarative_writer, file, "", "{}"};
  }

  void supervise(const std::vector<HostSpec>& specs) {
    HostSupervisorOptions options;
    options.state_dir = directory_.path() + "/hosts";
    options.restart.backoff_first = 5ms;
    options.restart.backoff_longest = 20ms;
    options.events = &host_events_;
    HostStarterOptions starter;
    starter.socket_dir = options_.socket_dir;
    auto started = HostSupervisor::start(specs, direct_starter(starter), options);
    ASSERT_TRUE(started.ok()) << error_of(started);
    supervisor_ = std::move(started).value();
  }

  PluginInfo info(const std::string& name) {
    for (PluginInfo& one : supervisor_->status()) {
      if (one.name == name) return one;
    }
    return {};
  }
  // Of the writer that is registered under this name now; none when there is none.
  std::optional<WriterInstanceId> instance_of(const std::string& writer) {
    auto writers = client().writers();
    EXPECT_TRUE(writers.ok()) << error_of(writers);
    if (!writers.ok()) return std::nullopt;
    for (const WriterStatus& one : writers.value()) {
      if (one.identity.name == writer) return one.instance;
    }
    return std::nullopt;
  }
  std::string word(const std::string& path) {
    std::string text;
    std::ifstream(directory_.path() + "/" + path) >> text;
    return text;
  }

  // Whether the application of a sample could go on writing now.
  bool notes_run() {
    const Descriptor lock(::open((directory_.path() + "/notes/.lock").c_str(), O_RDWR | O_CLOEXEC));
    return !lock.valid() || ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0;
  }
  bool ledger_runs() {
    const Descriptor lock(
        ::open((directory_.path() + "/ledger/ledger.lock").c_str(), O_RDWR | O_CLOEXEC));
    struct flock whole {};
    whole.l_type = F_WRLCK;
    return !lock.valid() || ::fcntl(lock.get(), F_OFD_SETLK, &whole) == 0;
  }

  // A whole backup of everything that is registered; its evidence.
  Result<Evidence> back_up() {
    Client requestor = client();
    auto session = prepared(requestor);
    if (!session.ok()) return session.error();
    auto set = session.value().create_snapshots();
    if (!set.ok()) return set.error();
    auto document = session.value().document();
    if (!document.ok()) return document.error();
    auto done =
        session.value().complete(receipt_for(document.value()), all_succeeded(document.value()));
    if (!done.ok()) return done.error();
    return session.value().end();
  }

  MemoryEventSink host_events_;
  std::unique_ptr<HostSupervisor> supervisor_;
};

TEST_F(PluginHostTest, ABackupProvesTheHoldsOfEveryKindOfWriter) {
  bool notes_held = false, ledger_held = false;
  std::string orders;
  add_provider({}, [&](const std::string& step) -> Status {
    if (step != "commit") return Ok{};
    notes_held = !notes_run();
    ledger_held = !ledger_runs();
    orders = word("orders/word");
    return Ok{};
  });
  supervise({notes(), ledger(), declarative()});
  start();
  ASSERT_TRUE(coordinator_->wait_writers(3, 20s).ok());
  auto evidence = back_up();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().label, Consistency::application_consistent) << evidence.value().reason;
  ASSERT_EQ(evidence.value().components.size(), 3u);
  for (const ComponentEvidence& component : evidence.value().components) {
    ASSERT_TRUE(component.hold) << component.name.full();
    EXPECT_TRUE(component.hold->unbroken) << component.name.full();
  }
  EXPECT_TRUE(notes_held);
  EXPECT_TRUE(ledger_held);
  EXPECT_EQ(orders, "held");
  EXPECT_TRUE(notes_run());
  EXPECT_TRUE(ledger_runs());
  EXPECT_EQ(word("orders/word"), "running");
}

TEST_F(PluginHostTest, KilledAtFreezeFailsItsSetAndTheNextOneSucceeds) {
  add_provider();
  supervise({notes(), ledger()});
  start();
  ASSERT_TRUE(coordinator_->wait_writers(2, 20s).ok());
  const auto before = instance_of("Notes");
  Descriptor writing(
      ::open((directory_.path() + "/notes/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  ASSERT_EQ(::flock(writing.get(), LOCK_SH), 0);  // so that its freeze waits
  {
    Client requestor = client();
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    auto set = std::async(std::launch::async, [&] { return session.value().create_snapshots(); });
    ASSERT_TRUE(wait_until([&] { return !ledger_runs(); }));
    ASSERT_EQ(::kill(info("notes").process, SIGKILL), 0);
    auto failed = set.get();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code(), Errc::writer_gone) << failed.error().what();
    EXPECT_THAT(failed.error().what(), HasSubstr("Notes"));
    EXPECT_TRUE(wait_until([&] { return ledger_runs(); }, 2s));  // its neighbour is thawed
    auto evidence = session.value().end();
    ASSERT_TRUE(evidence.ok()) << error_of(evidence);
    EXPECT_EQ(evidence.value().label, Consistency::failed);
    ASSERT_EQ(evidence.value().failed_writers.size(), 1u);
    EXPECT_EQ(evidence.value().failed_writers[0].identity.name, "Notes");
    EXPECT_EQ(evidence.value().failed_writers[0].code, static_cast<int>(Errc::writer_gone));
  }
  writing.reset();
  ASSERT_TRUE(wait_until([&] {
    const auto now = instance_of("Notes");
    return now && now != before;
  }));
  EXPECT_THAT(info("notes").reason, HasSubstr("signal 9"));
  auto next = back_up();
  ASSERT_TRUE(next.ok()) << error_of(next);
  EXPECT_EQ(next.value().label, Consistency::application_consistent) << next.value().reason;
}

TEST_F(PluginHostTest, StoppedInItsHoldItThawsOnceItGoesOn) {
  options_.lease = 200ms;
  options_.hold_limit = 1s;
  options_.commit_limit = 1s;
  // How long the coordinator waits for an answer of what is stopped.
  seams_.limits.thaw = seams_.limits.abort = seams_.limits.shutdown = 300ms;
  pid_t stopped = 0;
  FakeProvider& provider = add_provider({}, [&](const std::string& step) -> Status {
    if (step != "commit") return Ok{};
    ::kill(stopped, SIGSTOP);
    // Until all of its threads have stopped, one of them may still answer.
    siginfo_t all_stopped{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(stopped), &all_stopped, WSTOPPED | WNOWAIT), 0);
    return Ok{};
  });
  supervise({notes(), ledger()});
  start();
  ASSERT_TRUE(coordinator_->wait_writers(2, 20s).ok());
  const auto before = instance_of("Notes");
  stopped = info("notes").process;
  auto set = back_up();
  EXPECT_FALSE(set.ok());
  EXPECT_TRUE(wait_until([&] { return ledger_runs(); }, 2s));
  EXPECT_FALSE(notes_run());  // nobody can thaw what is stopped

  std::this_thread::sleep_for(250ms);  // the lease passes in any case
  ASSERT_EQ(::kill(stopped, SIGCONT), 0);
  EXPECT_TRUE(wait_until([&] { return notes_run(); }, 1s));
  provider.set_hook({});
  ASSERT_TRUE(wait_until([&] { return instance_of("Notes").has_value(); }));
  EXPECT_EQ(instance_of("Notes"), before);  // it never died
  EXPECT_EQ(info("notes").process, stopped);
  auto next = back_up();
  ASSERT_TRUE(next.ok()) << error_of(next);
  EXPECT_EQ(next.value().label, Consistency::application_consistent) << next.value().reason;
}

// A coordinator that has nothing to say.
class NoCoordinator final : public RequestorHandler {
 public:
  Status connection_opened(const RequestorPeer&, EventPush) override { return Ok{}; }
  void handle(ConnectionId, std::string method, std::string, ReplyHandler reply) override {
    reply(Error(Errc::not_supported, "there is no method '" + method + "'"));
  }
  void connection_closed(ConnectionId) override {}
};

TEST_F(PluginHostTest, ACrashLoopIsQuarantinedAndAMendedPluginReleased) {
  add_provider();
  const std::string installed = directory_.path() + "/installed.so";
  fs::copy_file(CRASHING_PLUGIN, installed);
  HostSpec shop = ledger();
  shop.file = installed;
  supervise({shop, notes()});
  start();
  ASSERT_TRUE(coordinator_->wait_writers(1, 20s).ok());
  ASSERT_TRUE(wait_until([&] { return info("ledger").state == PluginState::quarantined; }));
  EXPECT_THAT(info("ledger").reason, HasSubstr("signal 6"));
  EXPECT_THAT(info("ledger").reason, HasSubstr("the table is not there"));
  EXPECT_TRUE(back_up().ok());  // of the others

  fs::remove(installed);
  fs::copy_file(LEDGER_WRITER, installed);
  NoCoordinator nobody;
  HostsHandler handler(nobody, *supervisor_);
  Client operator_client(std::shared_ptr<RequestorChannel>(connect_locally(handler, "operator")));
  ASSERT_TRUE(operator_client.release_plugin("ledger").ok());
  ASSERT_TRUE(coordinator_->wait_writers(2, 20s).ok());
  EXPECT_EQ(operator_client.plugins().value().at(0).state, PluginState::running);
  auto set = back_up();
  ASSERT_TRUE(set.ok()) << error_of(set);
  EXPECT_EQ(set.value().components.size(), 2u);
}

TEST_F(PluginHostTest, AsksNobodyTwiceForWhatCannotBeLoaded) {
  start();
  HostSpec absent = notes();
  absent.file = directory_.path() + "/absent.so";
  HostSpec refused = ledger();
  refused.config_json = R"({"directory":"relative"})";
  HostSpec wrong = declarative();
  wrong.file += ".gone";
  supervise({absent, refused, wrong});
  for (const char* name : {"notes", "ledger", "orders"}) {
    ASSERT_TRUE(wait_until([&] { return info(name).state == PluginState::quarantined; })) << name;
    EXPECT_THAT(info(name).reason, HasSubstr("exit code 1")) << name;
  }
  EXPECT_THAT(info("notes").reason, HasSubstr("absent.so"));
  EXPECT_THAT(info("ledger").reason, HasSubstr("'relative' is no path from /"));
}

TEST_F(PluginHostTest, AHostEndsInOrderWhenItsStarterIsGone) {
  add_provider();
  start();
  HostStarterOptions starter;
  starter.socket_dir = options_.socket_dir;
  auto child = direct_starter(starter)(notes());
  ASSERT_TRUE(child.ok()) << error_of(child);
  ASSERT_TRUE(coordinator_->wait_writers(1, 20s).ok());
  child.value()->close_input();
  auto ended = child.value()->wait(Deadline(system_clock().now() + 20s));
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended.value(), (ExitStatus{0, 0}));
  EXPECT_TRUE(wait_until([&] { return !instance_of("Notes"); }));
}

TEST_F(PluginHostTest, ASignalInMidHoldThawsBeforeTheEnd) {
  std::unique_ptr<ChildProcess> child;
  bool held = false;
  std::optional<ExitStatus> ended;
  bool runs_after = false;
  add_provider({}, [&](const std::string& step) -> Status {
    if (step != "commit") return Ok{};
    held = !notes_run();
    ::kill(child->pid(), SIGTERM);
    auto status = child->wait(Deadline(system_clock().now() + 20s));
    if (status.ok()) ended = status.value();
    runs_after = notes_run();
    return Ok{};
  });
  start();
  HostStarterOptions starter;
  starter.socket_dir = options_.socket_dir;
  auto started = direct_starter(starter)(notes());
  ASSERT_TRUE(started.ok()) << error_of(started);
  child = std::move(started).value();
  ASSERT_TRUE(coordinator_->wait_writers(1, 20s).ok());
  EXPECT_FALSE(back_up().ok());
  EXPECT_TRUE(held);
  EXPECT_TRUE(runs_after);
  EXPECT_EQ(ended, (ExitStatus{0, 0}));
}

TEST_F(PluginHostTest, AProviderAnswersFromItsHost) {
  HostSpec array{"array", HostKind::plugin_provider, EXPORTED_PROVIDER, "", "{}"};
  HostSpec broken{"broken", HostKind::plugin_provider, NOTES_WRITER, "", "{}"};
  supervise({array, broken});
  auto provider = supervisor_->provider("array");
  ASSERT_TRUE(provider.ok()) << error_of(provider);
  EXPECT_EQ(provider.value()->info().name, "array");
  EXPECT_EQ(provider.value()->info().atomicity, Atomicity::set);
  ASSERT_TRUE(provider.value()->query().ok());
  const pid_t first = provider.value()->pid();
  EXPECT_EQ(info("array").process, first);
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(wait_until([&] { return provider.value()->pid() != first; }));
  ASSERT_TRUE(provider.value()->query().ok());
  EXPECT_NE(provider.value()->pid(), first);
  EXPECT_EQ(info("array").crashes, 1u);

  auto none = supervisor_->provider("broken");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), Errc::provider_failed);
  EXPECT_THAT(none.error().what(), HasSubstr("makes no providers"));
  EXPECT_EQ(info("broken").state, PluginState::quarantined);
}

TEST(PluginHostProgram, WrongUsageIsToldFromAPluginThatCannotBeLoaded) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{},
        {"--kind", "writer"},
        {"--help"},
        {"--kind", "reader", "--name", "x", "--file", "/f", "--config", "{}", "--socket-dir", "/s"},
        {"--kind", "writer", "--name", "", "--file", "/f", "--config", "{}", "--socket-dir",
         "/s"}}) {
    ChildOptions program;
    program.command = {PLUGIN_HOST};
    program.command.insert(program.command.end(), words.begin(), words.end());
    auto child = ChildProcess::start(program);
    ASSERT_TRUE(child.ok());
    auto ended = child.value()->wait(Deadline(system_clock().now() + 20s));
    ASSERT_TRUE(ended.ok());
    EXPECT_EQ(ended.value(), (ExitStatus{2, 0}));
    EXPECT_THAT(child.value()->complaints(), HasSubstr("usage:"));
  }
}

}  // namespace
}  // namespace stillframe::daemon

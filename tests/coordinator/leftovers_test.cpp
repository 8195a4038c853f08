// What other processes left behind or still hold: frozen file systems, locks, interlocked targets,
// and a machine that slept.
#include <atomic>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/io/file_lock.hpp"
#include "framework/providers/guard/file_system_id.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "requestor/restore/orphan.hpp"
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::Contains;
using ::testing::HasSubstr;

// A process of the test's own that does one thing, says so, and waits to be killed.
class Bystander {
 public:
  explicit Bystander(const std::function<bool()>& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      if (!work() || ::write(ends[1], "r", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char said = 0;
    ready_ = ::read(ends[0], &said, 1) == 1;
    ::close(ends[0]);
  }
  ~Bystander() { end(); }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }
  bool ready() const { return ready_; }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

class LeftoversTest : public CoordinatorFixture {
 protected:
  LeftoversTest() { std::filesystem::create_directories(options_.runtime_dir); }

  // Another coordinator at work on volume "one". Made before this process has threads.
  std::unique_ptr<Bystander> locker() {
    return std::make_unique<Bystander>([this] {
      static std::optional<FileLock> lock;  // of the child, for as long as it lives
      auto taken = lock_file_system(options_.runtime_dir, "uuid-one");
      if (taken.ok()) lock.emplace(std::move(taken).value());
      return lock.has_value();
    });
  }
};

// ---- frozen file systems

TEST_F(LeftoversTest, AStartThawsWhatTheRecordOfADeadRunLists) {
  std::string reason;
  auto fs = LoopFs::make(FsKind::ext4, reason);
  if (!fs) GTEST_SKIP() << reason;
  auto id = guard::file_system_of(fs->mount_point());
  ASSERT_TRUE(id.ok()) << error_of(id);
  guard::HeldRecord record;
  {
    Bystander dead([] { return true; });
    ASSERT_TRUE(dead.ready());
    record.client = record.keeper = record.holder = guard::process_ref(dead.pid());
  }
  record.boot_id = guard::this_boot_id();
  record.lease = std::chrono::milliseconds(200);
  record.file_systems = {{id.value(), fs->mount_point()}};
  auto written = guard::write_held_record(options_.runtime_dir + "/held", record);
  ASSERT_TRUE(written.ok()) << error_of(written);
  const Descriptor root(::open(fs->mount_point().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(root.valid());
  ASSERT_EQ(::ioctl(root.get(), FIFREEZE, 0), 0);

  start();
  const bool still_frozen = ::ioctl(root.get(), FITHAW, 0) == 0;  // never left to the next test
  EXPECT_FALSE(still_frozen);
  EXPECT_FALSE(std::filesystem::exists(written.value()));
  EXPECT_THAT(events(), Contains(::testing::AllOf(HasSubstr("\"event_id\":2001"),
                                                  HasSubstr(fs->mount_point()))));
  std::ofstream file(fs->mount_point() + "/alive");
  file << "writes go on" << std::flush;
  EXPECT_TRUE(file.good());
}

// ---- locks

TEST_F(LeftoversTest, AFileSystemLockedByAnotherProcessIsRefusedNamingIt) {
  const auto other = locker();
  ASSERT_TRUE(other->ready());
  add_writer({"orders", make_volume("one")});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  BackupOptions impatient;
  impatient.queue_wait = std::chrono::milliseconds(200);
  auto session = prepared(requestor, impatient);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto refused = session.value().create_snapshots();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_progress);
  EXPECT_THAT(refused.error().what(), HasSubstr("uuid-one"));
  EXPECT_THAT(refused.error().what(), HasSubstr(std::to_string(other->pid())));
  EXPECT_TRUE(provider.requests().empty());
  other->end();
  auto again = session.value().create_snapshots();
  EXPECT_TRUE(again.ok()) << error_of(again);
}

TEST_F(LeftoversTest, ASetWaitsForTheLockOfAnotherProcessAndThenGoesOn) {
  const auto other = locker();
  ASSERT_TRUE(other->ready());
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  std::atomic<bool> made{false};
  std::thread waiting([&] { made = session.value().create_snapshots().ok(); });
  const std::string pid = std::to_string(other->pid());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool told = false;
  while (!told && std::chrono::steady_clock::now() < until) {
    auto sessions = client("looker").sessions();
    for (const auto& info : sessions.value())
      told = told || info.waiting_for.find(pid) != std::string::npos;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(told);
  EXPECT_FALSE(made);
  other->end();
  waiting.join();
  EXPECT_TRUE(made);
}

// ---- sleep

TEST_F(LeftoversTest, AMachineThatSleepsInsideAHoldFailsTheSetAndThawsEverybody) {
  for (const std::string sleeps_in : {"freeze", "commit"}) {
    SCOPED_TRACE(sleeps_in);
    std::atomic<std::int64_t> slept{0};
    seams_.time_slept = [&] { return Duration(std::chrono::seconds(slept.load())); };
    auto& writer = add_writer({"orders", make_volume("one")},
                              [&](const std::string& verb, const CallContext&) {
                                if (verb == sleeps_in) slept += 3600;
                                return Status(Ok{});
                              });
    auto& provider = add_provider({}, [&](const std::string& step) -> Status {
      if (step == sleeps_in) slept += 3600;
      return Ok{};
    });
    start();
    {
      Client requestor = client();
      auto session = prepared(requestor);
      ASSERT_TRUE(session.ok()) << error_of(session);
      slept += 60;  // outside a hold: nobody's business
      auto set = session.value().create_snapshots();
      ASSERT_FALSE(set.ok());
      EXPECT_EQ(set.error().code(), Errc::hold_broken);
      auto evidence = session.value().evidence();
      ASSERT_TRUE(evidence.ok());
      EXPECT_NE(evidence.value().label, Consistency::application_consistent);
      std::vector<std::string> phases;
      for (const auto& entry : evidence.value().timeline) phases.push_back(entry.phase);
      EXPECT_THAT(phases, Contains("suspended"));
    }
    stop();
    EXPECT_TRUE(writer.wait_thawed());
    EXPECT_EQ(provider.snapshots_on_disk(), 0u);
    writers_.clear();
    providers_.clear();
  }
}

// ---- a restore whose coordinator is killed

class KilledRestoreTest : public CoordinatorFixture {
 protected:
  KilledRestoreTest() { std::filesystem::create_directories(target_); }

  // A writer that keeps the interlock beside its target as an application does.
  std::unique_ptr<ScriptedWriter> writer() {
    ScriptedWriterOptions options;
    options.directory = target_;
    options.capability_bits = static_cast<std::uint32_t>(Capability::snapshot) |
                              static_cast<std::uint32_t>(Capability::restore_events) |
                              static_cast<std::uint32_t>(Capability::staged_restore);
    return std::make_unique<ScriptedWriter>(
        options, [target = target_](const std::string& verb, const CallContext& call) -> Status {
          if (verb == "restore_register") {
            InterlockRecord record;
            record.session = call.session;
            record.target = "orders";
            record.since = system_clock().wall_now();
            return register_interlock(target, record);
          }
          if (verb != "restore_complete") return Ok{};
          auto record = read_interlock(target);
          if (!record.ok()) return record.error();
          record.value().state = InterlockRecord::State::copied;
          return update_interlock(target, record.value());
        });
  }

  BackupDocument stored() {
    BackupDocument document;
    document.session = SessionId::generate();
    document.backup = BackupId::generate();
    BackupComponent& component = document.components.emplace_back();
    const WriterIdentity identity = writer()->identity();
    component.writer_class = identity.class_id;
    component.instance_name = identity.instance_name;
    component.type = ComponentType::database;
    component.name.name = "data";
    component.succeeded = true;
    return document;
  }

  // Up to and with the registration.
  Status register_target(RestoreSession& session, const BackupDocument& document) {
    auto writers = session.gather();
    if (!writers.ok()) return writers.error();
    auto wanted = document.components;
    wanted[0].restore.emplace().selected = true;
    if (Status s = session.select(wanted); !s.ok()) return s;
    if (auto s = session.pre_restore(); !s.ok()) return s.error();
    instance_ = writers.value().at(0).instance;
    if (Status s = session.prepare(instance_, {}); !s.ok()) return s;
    RestoreRegistration registration;
    registration.component = document.components[0].name;
    return session.register_restore(instance_, registration);
  }

  // The coordinator and its requestor in a process of their own, killed once `document`'s target is
  // registered. The writer lives here and outlives them.
  void kill_after_register(const BackupDocument& document) {
    options_.socket_dir = directory_.path() + "/socket";
    int listening[2];
    ASSERT_EQ(::pipe2(listening, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      start();
      if (!coordinator_ || ::write(listening[1], "l", 1) != 1) ::_exit(1);
      if (!coordinator_->wait_writers(1, std::chrono::seconds(30)).ok()) ::_exit(2);
      Client requestor = client();
      auto session = requestor.begin_restore(document, {});
      if (!session.ok() || !register_target(session.value(), document).ok()) ::_exit(3);
      ::raise(SIGKILL);
    }
    ::close(listening[1]);
    char said = 0;
    ASSERT_EQ(::read(listening[0], &said, 1), 1);
    ::close(listening[0]);
    auto application = writer();
    connect(*application);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    host_.reset();
  }

  void connect(ScriptedWriter& application) {
    WriterHostOptions host;
    host.socket_dir = options_.socket_dir;
    auto started = WriterHost::start(application, host);
    ASSERT_TRUE(started.ok()) << error_of(started);
    host_ = std::move(started).value();
    ASSERT_TRUE(host_->wait_registered(std::chrono::seconds(20)).ok());
  }

  const std::string target_ = directory_.path() + "/target";
  WriterInstanceId instance_;
  std::unique_ptr<WriterHost> host_;
};

TEST_F(KilledRestoreTest, TheInterlockStaysUntilTheRestoreIsAbandonedAndThenAllowsAnother) {
  const BackupDocument document = stored();
  kill_after_register(document);
  const Status gate = startup_gate(target_);
  ASSERT_FALSE(gate.ok());
  EXPECT_EQ(gate.error().code(), Errc::interlocked);
  EXPECT_THAT(gate.error().what(), HasSubstr("abandon"));

  start();  // the next coordinator does not open what the last one closed
  auto application = writer();
  connect(*application);
  Client requestor = client();
  {
    auto session = requestor.begin_restore(document, {});
    ASSERT_TRUE(session.ok()) << error_of(session);
    const Status refused = register_target(session.value(), document);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::interlocked);
  }
  EXPECT_FALSE(startup_gate(target_).ok());

  auto abandoned = requestor::abandon_restore(target_, true);
  ASSERT_TRUE(abandoned.ok()) << error_of(abandoned);
  EXPECT_EQ(abandoned.value().target, "orders");
  EXPECT_TRUE(startup_gate(target_).ok());
  auto session = requestor.begin_restore(document, {});
  ASSERT_TRUE(session.ok()) << error_of(session);
  const Status registered = register_target(session.value(), document);
  ASSERT_TRUE(registered.ok()) << error_of(registered);
  EXPECT_TRUE(session.value().complete(instance_, document.components[0].name, Ok{}).ok());
  EXPECT_TRUE(session.value().post_restore().ok());
  EXPECT_TRUE(session.value().end().ok());
  EXPECT_TRUE(startup_gate(target_).ok());  // every file is in place: this start completes it
  host_.reset();
}

}  // namespace
}  // namespace stillframe

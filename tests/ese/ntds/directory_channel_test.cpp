// A server in another process: restores and backups over a socket, for the user whom the kernel
// names.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/ntds/directory_channel.hpp>
#include <stillframe/ntds/ntdshost.h>

#include "tests/ese/ntds/directory_application.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;
using stillframe::ntds::DirectoryServer;

constexpr uid_t kSomebody = 54321;  // needs no entry anywhere

class DirectoryChannelTest : public DirectoryApplication {
 protected:
  void SetUp() override {
    DirectoryApplication::SetUp();
    stored_ = back_up(sets_.file("set"));
    work(40, 80);
    enter_restore_mode();
    fs::permissions(sets_.path(), fs::perms::owner_all | fs::perms::others_exec);
  }
  void TearDown() override {
    server_.reset();
    EXPECT_EQ(DsSetChannel(nullptr), hrNone);
    EXPECT_EQ(DsSetHostRules(nullptr), hrNone);
    DirectoryApplication::TearDown();
  }

  std::string socket() const { return sets_.file("directory.sock"); }
  std::string server_name() const { return "unix:" + socket(); }
  void serve() {
    auto started = DirectoryServer::start({"application", socket()});
    ASSERT_TRUE(started.ok()) << started.error().what();
    server_ = std::move(started).value();
  }
  HRESULT prepare_there(HBC* handle) {
    std::string token = stored_.token;
    return DsRestorePrepareA(server_name().c_str(), 0, token.data(),
                             static_cast<std::uint32_t>(token.size()), handle);
  }
  HRESULT prepare_backup_there(HBC* handle, std::string* token = nullptr) {
    void* bytes = nullptr;
    std::uint32_t size = 0;
    const HRESULT hr =
        DsBackupPrepareA(server_name().c_str(), 0, BACKUP_TYPE_FULL, &bytes, &size, handle);
    if (hr == hrNone && token != nullptr) token->assign(static_cast<const char*>(bytes), size);
    DsBackupFree(bytes);
    return hr;
  }
  // Every file of the lists, into the folder of `stored`.
  static void copy_all(HBC handle, StoredBackup& stored) {
    for (const ListedEntry& each : databases(handle)) {
      EXPECT_EQ(copy_file(handle, each.path, stored.folder), hrNone);
    }
    stored.low = ~0U;
    for (const ListedEntry& each : logs(handle)) {
      EXPECT_EQ(copy_file(handle, each.path, stored.folder), hrNone);
      const auto number = static_cast<std::uint32_t>(
          std::stoul(fs::path(each.path).stem().string().substr(3), nullptr, 16));
      stored.low = std::min(stored.low, number);
      stored.high = std::max(stored.high, number);
    }
  }
  // The server is online, and has its database.
  void run_with(int rows) {
    ASSERT_JET(start());
    EXPECT_EQ(ids(), numbers(0, rows));
  }
  void expect_restored() {
    ASSERT_JET(start());
    EXPECT_EQ(ids(), numbers(0, 40));
    EXPECT_FALSE(fs::exists(record_path()));
  }

  JetFolder sets_;
  StoredBackup stored_;
  std::unique_ptr<DirectoryServer> server_;
};

// Forked before this process has threads. Does `what` as `user` when it is told to, in two parts.
class OtherProcess {
 public:
  using Part = std::function<bool(int part)>;
  OtherProcess(uid_t user, const Part& what) {
    if (::pipe2(orders_, O_CLOEXEC) != 0 || ::pipe2(reports_, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ != 0) return;
    bool good = ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
    char part = 0;
    while (::read(orders_[0], &part, 1) == 1 && part != 0) {
      const char report = good && what(part) ? 'y' : 'n';
      if (::write(reports_[1], &report, 1) != 1) break;
    }
    std::_Exit(0);
  }
  ~OtherProcess() {
    (void)tell(0);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    for (const int each : {orders_[0], orders_[1], reports_[0], reports_[1]}) ::close(each);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  bool does(char part) {
    char report = 0;
    return tell(part) && ::read(reports_[0], &report, 1) == 1 && report == 'y';
  }

 private:
  bool tell(char part) { return pid_ > 0 && ::write(orders_[1], &part, 1) == 1; }

  int orders_[2] = {-1, -1}, reports_[2] = {-1, -1};
  pid_t pid_ = -1;
};

TEST_F(DirectoryChannelTest, ARestoreGoesItsWholeWayOverASocket) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  serve();
  std::int32_t online = 7;
  ASSERT_EQ(DsIsNTDSOnlineA(server_name().c_str(), &online), hrNone);
  EXPECT_EQ(online, 0);
  HBC handle = nullptr;
  ASSERT_EQ(prepare_there(&handle), hrNone);
  EXPECT_EQ(locations(handle), (std::vector<ListedEntry>{{BFT_NTDS_DATABASE, database_path()},
                                                         {BFT_LOG_DIR, folder_.path()},
                                                         {BFT_CHECKPOINT_DIR, folder_.path()}}));
  Registration wrong = registration(stored_);
  wrong.logs = "/elsewhere";
  EXPECT_EQ(wrong.with(handle), ERROR_INVALID_PARAMETER) << "its own code comes back";
  ASSERT_EQ(registration(stored_).with(handle), hrNone);
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  expect_restored();
}

TEST_F(DirectoryChannelTest, AProcessOfAnotherUserIsDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  OtherProcess stranger(kSomebody, [this](int) {
    std::int32_t online = 7;
    HBC handle = nullptr;
    return DsIsNTDSOnlineA(server_name().c_str(), &online) == hrNone && online == 0 &&
           prepare_there(&handle) == ERROR_ACCESS_DENIED;
  });
  serve();
  EXPECT_TRUE(stranger.does(1));
  EXPECT_FALSE(fs::exists(record_path()));
}

// By rules that a program sets which has the shared library alone.
TEST_F(DirectoryChannelTest, AProcessOfAUserWithTheRightRestores) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  HBC handle = nullptr;
  OtherProcess operator_process(kSomebody, [&](int part) {
    if (part == 1) {
      return prepare_there(&handle) == hrNone && registration(stored_).with(handle) == hrNone;
    }
    return DsRestoreRegisterComplete(handle, hrNone) == hrNone && DsRestoreEnd(handle) == hrNone;
  });
  std::string logs = folder_.path();
  DS_HOST_RULES rules{};
  rules.cbSize = sizeof rules;
  rules.pvContext = &logs;
  rules.pfnMayRestore = [](void* context, std::uint32_t user, const char* folder) -> std::int32_t {
    return user == kSomebody && *static_cast<std::string*>(context) == folder;
  };
  ASSERT_EQ(DsSetHostRules(&rules), hrNone);
  serve();
  ASSERT_TRUE(operator_process.does(1));
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  copy_files(stored_);
  ASSERT_TRUE(operator_process.does(2));
  expect_restored();
}

TEST_F(DirectoryChannelTest, WhoVanishesLeavesItsRegistration) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  HBC handle = nullptr;
  {
    OtherProcess client(::geteuid(), [&](int) {
      return prepare_there(&handle) == hrNone && registration(stored_).with(handle) == hrNone;
    });
    serve();
    ASSERT_TRUE(client.does(1));
  }
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  ASSERT_EQ(prepare_there(&handle), hrNone);
  EXPECT_EQ(registration(stored_).with(handle), hrRestoreInProgress);
  EXPECT_EQ(DsRestoreEnd(handle), hrNone);
}

TEST_F(DirectoryChannelTest, AServerThatCannotBeReachedIsToldSo) {
  HBC handle = nullptr;
  EXPECT_EQ(prepare_there(&handle), hrCouldNotConnect) << "no channel";
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  EXPECT_EQ(prepare_there(&handle), hrCouldNotConnect) << "nobody listens";
  serve();
  ASSERT_EQ(prepare_there(&handle), hrNone);
  server_.reset();
  EXPECT_EQ(registration(stored_).with(handle), hrCommunicationError);
  EXPECT_EQ(DsRestoreEnd(handle), hrNone);
}

// ---- Backups

TEST_F(DirectoryChannelTest, ABackupGoesItsWholeWayOverASocket) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  run_with(80);
  serve();
  HBC handle = nullptr;
  StoredBackup far{sets_.file("far"), {}};
  fs::create_directory(far.folder);
  ASSERT_EQ(prepare_backup_there(&handle, &far.token), hrNone);
  HBC second = nullptr;
  EXPECT_EQ(prepare_backup_there(&second), hrBackupInProgress) << "its own code comes back";
  EXPECT_EQ(locations(handle).size(), 3U);
  std::int64_t size = 0;
  EXPECT_EQ(DsBackupOpenFileA(handle, "/etc/passwd", 24576, &size), ERROR_INVALID_PARAMETER);
  copy_all(handle, far);
  char byte = 0;
  std::uint32_t got = 0;
  EXPECT_EQ(DsBackupRead(handle, &byte, 24576, &got), hrInvalidHandle) << "none is open";
  EXPECT_EQ(DsBackupTruncateLogs(handle), hrNone);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, far.high);
  enter_restore_mode();
  std::string token = far.token;
  ASSERT_EQ(DsRestorePrepareA(server_name().c_str(), 0, token.data(),
                              static_cast<std::uint32_t>(token.size()), &handle),
            hrNone);
  ASSERT_EQ(registration(far).with(handle), hrNone);
  copy_files(far);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 80));
}

// It has all files, and has not said that they are stored.
TEST_F(DirectoryChannelTest, WhoVanishesInABackupGivesItUp) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  StoredBackup far{sets_.file("far"), {}};
  fs::create_directory(far.folder);
  const auto before = header_of(database_path()).bkinfoFullPrev.genHigh;
  {
    OtherProcess client(::geteuid(), [&](int) {
      HBC handle = nullptr;
      if (prepare_backup_there(&handle, &far.token) != hrNone) return false;
      copy_all(handle, far);
      return !HasFailure();
    });
    run_with(80);
    serve();
    ASSERT_TRUE(client.does(1));
    HBC handle = nullptr;
    EXPECT_EQ(prepare_backup_there(&handle), hrBackupInProgress);
  }
  HBC handle = nullptr;
  HRESULT prepared = hrBackupInProgress;
  for (int tries = 0; tries < 2000 && prepared == hrBackupInProgress; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    prepared = prepare_backup_there(&handle);
  }
  ASSERT_EQ(prepared, hrNone);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
  EXPECT_EQ(header_of(database_path()).bkinfoFullPrev.genHigh, before);
}

// Whoever may restore may not read for that.
TEST_F(DirectoryChannelTest, ABackupIsForRootAndTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  OtherProcess stranger(kSomebody, [this](int) {
    HBC handle = nullptr;
    return prepare_backup_there(&handle) == ERROR_ACCESS_DENIED;
  });
  DS_HOST_RULES rules{};
  rules.cbSize = sizeof rules;
  rules.pfnMayRestore = [](void*, std::uint32_t, const char*) -> std::int32_t { return 1; };
  ASSERT_EQ(DsSetHostRules(&rules), hrNone);
  run_with(80);
  serve();
  EXPECT_TRUE(stranger.does(1));
}

TEST_F(DirectoryChannelTest, AServerInRestoreModeIsNotBackedUp) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  serve();
  HBC handle = nullptr;
  EXPECT_EQ(prepare_backup_there(&handle), static_cast<HRESULT>(0xC8000000 + 1029));
}

// Bytes that are no message get an answer, lengths that no message has end the connection, and the
// next one is served.
TEST_F(DirectoryChannelTest, NonsenseDisturbsNobodyElse) {
  ASSERT_TRUE(stillframe::ntds::use_directory_channel().ok());
  serve();
  for (const std::string& nonsense :
       {std::string("\xFF\xFF\xFF\xFF", 4), std::string("\x03\x00\x00\x00zzz", 7),
        std::string("\x00\x00\x00\x00", 4), std::string("\x10\x00\x00\x00", 4)}) {
    Descriptor raw(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket().copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::connect(raw.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::send(raw.get(), nonsense.data(), nonsense.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(nonsense.size()));
    std::int32_t online = 7;
    EXPECT_EQ(DsIsNTDSOnlineA(server_name().c_str(), &online), hrNone);
    EXPECT_EQ(online, 0);
  }
}

TEST_F(DirectoryChannelTest, RulesAndChannelsHaveTheirSizes) {
  DS_HOST_RULES rules{};
  EXPECT_EQ(DsSetHostRules(&rules), ERROR_INVALID_PARAMETER);
  DS_CHANNEL channel{};
  channel.cbSize = sizeof channel;
  EXPECT_EQ(DsSetChannel(&channel), ERROR_INVALID_PARAMETER) << "without functions";
  HBC session = nullptr;
  EXPECT_EQ(DsSessionOpen("nobody", 0, &session), hrCouldNotConnect);
  EXPECT_EQ(DsSessionOpen("application", 0, nullptr), ERROR_INVALID_PARAMETER);
  ASSERT_EQ(DsSessionOpen("application", 0, &session), hrNone);
  EXPECT_EQ(DsRestoreEnd(session), hrInvalidHandle);
  EXPECT_EQ(DsBackupEnd(session), hrInvalidHandle);
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsRestoreGetDatabaseLocationsA(session, &list, &bytes), hrInvalidHandle);
  EXPECT_EQ(DsSessionClose(session), hrNone);
  EXPECT_EQ(DsSessionClose(session), hrInvalidHandle);
}

}  // namespace
}  // namespace stillframe::ese::tests

// DsRestore*: from the preparation to the start that recovers, and each error in its circumstances.
#include <filesystem>
#include <thread>

#include <unistd.h>

#include "tests/ese/ntds/directory_application.hpp"
#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

class DsRestoreTest : public DirectoryApplication {
 protected:
  void SetUp() override {
    DirectoryApplication::SetUp();
    fs::create_directory(sets_.file("set"));
    stored_ = back_up(sets_.file("set"));
    work(40, 80);
    enter_restore_mode();
  }
  HBC prepared() {
    HBC handle = nullptr;
    EXPECT_EQ(prepare_restore(stored_.token, &handle), hrNone);
    return handle;
  }
  HBC registered() {
    HBC handle = prepared();
    EXPECT_EQ(registration(stored_).with(handle), hrNone);
    return handle;
  }
  std::string words() {
    char text[1000] = {};
    JET_API_PTR number =
        static_cast<JET_API_PTR>(static_cast<std::intptr_t>(JET_errRestoreInProgress));
    JetGetSystemParameterA(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &number, text,
                           sizeof text);
    return text;
  }
  JetFolder sets_;
  StoredBackup stored_;
};

TEST_F(DsRestoreTest, TheWayThroughEndsWithARecoveredServer) {
  HBC handle = prepared();
  EXPECT_EQ(locations(handle), (std::vector<ListedEntry>{{BFT_NTDS_DATABASE, database_path()},
                                                         {BFT_LOG_DIR, folder_.path()},
                                                         {BFT_CHECKPOINT_DIR, folder_.path()}}));
  ASSERT_EQ(registration(stored_).with(handle), hrNone);
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
  EXPECT_FALSE(fs::exists(record_path()));
}

// Logs that were not lost bring back what came after the backup.
TEST_F(DsRestoreTest, TheServersOwnLogsAreReplayedToo) {
  HBC handle = registered();
  fs::remove(database_path());
  fs::copy_file(stored_.folder + "/one.edb", database_path());
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 80));
}

TEST_F(DsRestoreTest, TheMapLeadsToANewPlaceInTheWideFormsToo) {
  HBC handle = nullptr;
  std::string token = stored_.token;
  ASSERT_EQ(DsRestorePrepareW(u"application", 0, token.data(),
                              static_cast<std::uint32_t>(token.size()), &handle),
            hrNone);
  const auto wide = [](const std::string& text) {
    return std::u16string(text.begin(), text.end());
  };
  const std::string place = sets_.file("new.edb");
  const std::u16string logs = wide(folder_.path()), from = wide(database_path()), to = wide(place),
                       set = wide(stored_.folder);
  EDB_RSTMAPW map{from.c_str(), to.c_str()};
  ASSERT_EQ(DsRestoreRegisterW(handle, logs.c_str(), logs.c_str(), &map, 1, set.c_str(),
                               stored_.low, stored_.high),
            hrNone);
  copy_files(stored_);
  fs::rename(database_path(), place);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  ASSERT_JET(JetAttachDatabaseA(session_, place.c_str(), 0));
}

TEST_F(DsRestoreTest, TheLogsOfTheBackupMayLieWhereTheServersAre) {
  HBC handle = prepared();
  Registration asked = registration(stored_);
  asked.set = folder_.path();
  ASSERT_EQ(asked.with(handle), hrNone);
  copy_files(stored_);
  for (const std::string& log : logs_in(stored_.folder)) {
    fs::copy_file(stored_.folder + "/" + log, folder_.file(log));
  }
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

// ---- The interlock

TEST_F(DsRestoreTest, FromItsRegistrationOnTheServerDoesNotStart) {
  HBC handle = registered();
  EXPECT_TRUE(fs::exists(record_path()));
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  EXPECT_NE(words().find("esectl restore"), std::string::npos) << words();
  EXPECT_EQ(DsRestoreEnd(handle), hrNone);
  EXPECT_EQ(start(), JET_errRestoreInProgress) << "the end does not undo it";
}

TEST_F(DsRestoreTest, AStartInBetweenDoesNotKeepItFromBeingCompleted) {
  HBC handle = registered();
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

TEST_F(DsRestoreTest, ASecondOneIsRefusedAndMaySeeTheLocations) {
  registered();
  HBC second = prepared();
  EXPECT_EQ(registration(stored_).with(second), hrRestoreInProgress);
  EXPECT_EQ(locations(second).size(), 3U);
  EXPECT_EQ(DsRestoreEnd(second), hrNone);
}

TEST_F(DsRestoreTest, OfSeveralAtOnceOneIsRegistered) {
  std::vector<HBC> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(prepared());
  std::vector<HRESULT> results(handles.size(), -1);
  std::vector<std::thread> threads;
  const Registration asked = registration(stored_);
  for (std::size_t i = 0; i < handles.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = asked.with(handles[i]); });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(std::count(results.begin(), results.end(), hrNone), 1);
  EXPECT_EQ(std::count(results.begin(), results.end(), hrRestoreInProgress), 3);
}

TEST_F(DsRestoreTest, OtherKindsOfRestoreAreLockedOut) {
  registered();
  EXPECT_EQ(JetRestoreInstanceA(instance_, stored_.folder.c_str(), nullptr, nullptr),
            JET_errRestoreInProgress);
  const std::string from = database_path(), to = sets_.file("set/one.edb"), logs = folder_.path();
  JET_RSTMAP_A map{from.c_str(), to.c_str()};
  EXPECT_EQ(JetExternalRestoreA(logs.c_str(), logs.c_str(), &map, 1, stored_.folder.c_str(), 0, 0,
                                nullptr),
            JET_errRestoreInProgress);
}

TEST_F(DsRestoreTest, AFailedOneSticksUntilTheNextValidOne) {
  HBC handle = registered();
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrError), hrNone);
  EXPECT_EQ(DsRestoreRegisterComplete(handle, hrNone), ERROR_INVALID_PARAMETER) << "once";
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  EXPECT_NE(words().find("0xC7FF0002"), std::string::npos) << words();
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  handle = registered();
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_EQ(DsRestoreEnd(handle), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

TEST_F(DsRestoreTest, AStartThatCannotRecoverKeepsTheRecordAndTriesAgain) {
  HBC handle = registered();
  copy_files(stored_);
  fs::remove(database_path());
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  EXPECT_EQ(start(), JET_errFileNotFound);
  EXPECT_EQ(start(), JET_errFileNotFound);
  EXPECT_TRUE(fs::exists(record_path()));
  fs::copy_file(stored_.folder + "/one.edb", database_path());
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

TEST_F(DsRestoreTest, AStartDoesNotRecoverADatabaseThatIsInUse) {
  HBC handle = registered();
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  {
    const auto held = PathLock::take(database_path());
    ASSERT_TRUE(held.ok() && held.value());
    EXPECT_EQ(start(), JET_errDatabaseSharingViolation);
    EXPECT_TRUE(fs::exists(record_path()));
  }
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

// ---- Refused, with nothing registered

TEST_F(DsRestoreTest, AServerThatRunsIsNotRestored) {
  HBC before = prepared(), handle = nullptr;
  ASSERT_JET(start());
  EXPECT_EQ(prepare_restore(stored_.token, &handle), hrAfterInitialization);
  EXPECT_EQ(registration(stored_).with(before), hrAfterInitialization);
  EXPECT_FALSE(fs::exists(record_path()));
}

TEST_F(DsRestoreTest, APreparationHasItsArguments) {
  HBC handle = nullptr;
  EXPECT_EQ(DsRestorePrepareA("application", RESTORE_TYPE_ONLINE, nullptr, 0, &handle),
            ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsRestorePrepareA("application", RESTORE_TYPE_AUTHORATATIVE, nullptr, 0, &handle),
            ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsRestorePrepareA("application", 0, nullptr, 0, nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsRestorePrepareA("application", 0, nullptr, 8, &handle), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(DsRestorePrepareA("a_b", 0, nullptr, 0, &handle), RPC_S_INVALID_BINDING);
  EXPECT_EQ(DsRestorePrepareA("nobody", 0, nullptr, 0, &handle), hrCouldNotConnect);
}

TEST_F(DsRestoreTest, WithoutATokenThereAreLocationsAndNoMore) {
  HBC handle = nullptr;
  ASSERT_EQ(prepare_restore("", &handle), hrNone);
  EXPECT_EQ(locations(handle).size(), 3U);
  EXPECT_EQ(registration(stored_).with(handle), hrMissingExpiryToken);
  EXPECT_FALSE(fs::exists(record_path()));
  EXPECT_EQ(DsRestoreEnd(handle), hrNone);
}

TEST_F(DsRestoreTest, TokensAreJudged) {
  HBC handle = nullptr;
  EXPECT_EQ(prepare_restore("anything", &handle), hrUnknownExpiryTokenFormat);
  std::string damaged = stored_.token;
  damaged[30] = static_cast<char>(damaged[30] ^ 1);
  ASSERT_EQ(prepare_restore(damaged, &handle), hrNone);
  EXPECT_EQ(registration(stored_).with(handle), hrMissingExpiryToken);
  ntds::HostRules later;
  later.now = [] { return std::int64_t{std::time(nullptr)} + 181 * 86400; };
  ntds::set_host_rules(later);
  EXPECT_EQ(prepare_restore(stored_.token, &handle), hrContentsExpired);
}

TEST_F(DsRestoreTest, ARegistrationHasItsArguments) {
  HBC handle = prepared();
  const auto refused = [&](auto change) {
    Registration asked = registration(stored_);
    change(asked);
    return asked.with(handle) == ERROR_INVALID_PARAMETER && !fs::exists(record_path());
  };
  EXPECT_TRUE(refused([](Registration& its) { its.low = its.high + 1; }));
  EXPECT_TRUE(refused([](Registration& its) { its.high = 0x100000; }));
  EXPECT_TRUE(refused([](Registration& its) { its.checkpoint.clear(); }));
  EXPECT_TRUE(refused([](Registration& its) { its.logs = "/elsewhere"; }));
  EXPECT_TRUE(refused([](Registration& its) { its.checkpoint = "/elsewhere"; }));
  EXPECT_TRUE(refused([](Registration& its) { its.set.clear(); }));
  EXPECT_TRUE(refused([](Registration& its) { its.from.clear(); }));
  EXPECT_TRUE(refused([](Registration& its) { its.to.clear(); }));
  EXPECT_TRUE(refused([](Registration& its) { its.set = "/" + std::string(5000, 'x'); }));
  const Registration good = registration(stored_);
  const char *logs = good.logs.c_str(), *set = good.set.c_str();
  EDB_RSTMAPA map[2] = {{good.from.c_str(), good.to.c_str()}, {"/other", good.to.c_str()}};
  const auto registered = [&](const char* checkpoint, const char* own, EDB_RSTMAPA* its,
                              std::int32_t count, const char* backup) {
    return DsRestoreRegisterA(handle, checkpoint, own, its, count, backup, 1, 1);
  };
  EXPECT_EQ(registered(nullptr, logs, map, 1, set), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, nullptr, map, 1, set), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, logs, map, 1, nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, logs, nullptr, 1, set), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, logs, map, 0, set), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, logs, map, -1, set), ERROR_INVALID_PARAMETER);
  EXPECT_EQ(registered(logs, logs, map, 2, set), ERROR_INVALID_PARAMETER) << "one place, twice";
  EXPECT_EQ(good.with(nullptr), ERROR_INVALID_PARAMETER);
  EXPECT_FALSE(fs::exists(record_path()));
  EXPECT_EQ(good.with(handle), hrNone);
}

TEST_F(DsRestoreTest, HandlesAreThoseOfTheirCalls) {
  HBC handle = prepared();
  EXPECT_EQ(DsRestoreRegisterComplete(handle, hrNone), ERROR_INVALID_PARAMETER)
      << "nothing was registered";
  EXPECT_EQ(DsBackupEnd(handle), hrInvalidHandle);
  EXPECT_EQ(DsBackupTruncateLogs(handle), hrInvalidHandle);
  EXPECT_EQ(DsRestoreEnd(handle), hrNone);
  EXPECT_EQ(DsRestoreEnd(handle), hrInvalidHandle);
  EXPECT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrInvalidHandle);
  EXPECT_EQ(registration(stored_).with(handle), ERROR_INVALID_PARAMETER);
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsRestoreGetDatabaseLocationsA(handle, &list, &bytes), hrInvalidHandle);
}

// ---- Authority

TEST_F(DsRestoreTest, RootTheOwnerAndWhoHasTheRightMayRestore) {
  const uid_t owner = ::geteuid(), other = owner + 77;
  EXPECT_TRUE(ntds::check_restore_authority(owner, folder_.path()).ok());
  EXPECT_TRUE(ntds::check_restore_authority(0, folder_.path()).ok());
  const Status refused = ntds::check_restore_authority(other, folder_.path());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().application_code(), ERROR_ACCESS_DENIED);
  ntds::HostRules rules;
  rules.may_restore = [&](uid_t user, const BytePath& logs) {
    return user == other && logs == folder_.path();
  };
  ntds::set_host_rules(rules);
  EXPECT_TRUE(ntds::check_restore_authority(other, folder_.path()).ok());
}

TEST_F(DsRestoreTest, AnotherUserIsDeniedAndAnIdentityCanBeSupplied) {
  HBC handle = nullptr;
  EXPECT_EQ(DsSetAuthIdentityA("", "", ""), ERROR_INVALID_PARAMETER);
  ASSERT_EQ(DsSetAuthIdentityA("mallory", nullptr, "guess"), hrNone);
  EXPECT_EQ(prepare_restore(stored_.token, &handle), ERROR_ACCESS_DENIED) << "nobody vouches";
  ntds::HostRules rules;
  rules.authenticate = [](const ntds::AuthIdentity& its) -> std::optional<uid_t> {
    if (its.user == "root" && its.password == "right") return 0;
    if (its.user == "mallory") return ::geteuid() + 77;
    return std::nullopt;
  };
  ntds::set_host_rules(rules);
  EXPECT_EQ(prepare_restore(stored_.token, &handle), ERROR_ACCESS_DENIED) << "another user";
  ASSERT_EQ(DsSetAuthIdentityW(u"root", u"", u"right"), hrNone);
  ASSERT_EQ(prepare_restore(stored_.token, &handle), hrNone);
  ASSERT_EQ(DsSetAuthIdentityA("mallory", "", ""), hrNone);
  EXPECT_EQ(registration(stored_).with(handle), ERROR_ACCESS_DENIED);
  EXPECT_FALSE(fs::exists(record_path()));
  ASSERT_EQ(DsSetAuthIdentityA(nullptr, nullptr, nullptr), hrNone);
  EXPECT_EQ(registration(stored_).with(handle), hrNone);
}

}  // namespace
}  // namespace stillframe::ese::tests

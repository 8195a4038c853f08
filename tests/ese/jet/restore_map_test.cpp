// Databases that were moved while they still needed their logs: JetInit3 and JetInit4 with maps.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"
#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

// An application that ended without shutting its database down, which was moved then. Its logs do
// not go back to where the database was made: they could make it again.
class JetRestoreMapTest : public JetApplication {
 protected:
  void SetUp() override {
    JetApplication::SetUp();
    insert(1, 1, "a");
    ASSERT_JET(JetBeginTransaction(session_));
    ASSERT_JET(JetCommitTransaction(session_, JET_bitForceNewLog));
    ASSERT_JET(JetTerm(instance_));
    instance_ = small_instance(folder_, "application");
    ASSERT_JET(JetInit(&instance_));
    open_again(was_);
    insert(2, 2, "b");
    ASSERT_JET(JetBeginTransaction(session_));
    ASSERT_JET(JetCommitTransaction(session_, JET_bitForceNewLog));
    ASSERT_JET(JetBeginTransaction(session_));
    insert(3, 3, "c");
    ASSERT_EQ(JetTerm2(instance_, JET_bitTermDirty), JET_errDirtyShutdown);
    instance_ = JET_instanceNil;
    fs::create_directory(folder_.file("moved"));
    fs::rename(was_, now_);
    const std::string shelter = was_ + ".shelter";
    if (fs::exists(shelter)) fs::rename(shelter, now_ + ".shelter");
  }

  JET_ERR init(const JET_RSTINFO_A& info, JET_GRBIT grbit = 0) {
    JET_RSTINFO_A asked = info;
    asked.cbStruct = sizeof asked;
    instance_ = small_instance(folder_, "application");
    return JetInit3A(&instance_, &asked, grbit);
  }
  JET_ERR init(JET_RSTMAP_A entry, JET_GRBIT grbit = 0) {
    JET_RSTINFO_A info{};
    info.rgrstmap = &entry;
    info.crstmap = 1;
    return init(info, grbit);
  }
  JET_ERR init_without_map(JET_GRBIT grbit = 0) {
    instance_ = small_instance(folder_, "application");
    return JetInit2(&instance_, grbit);
  }

  void open_again(const std::string& database) {
    ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
    ASSERT_JET(JetAttachDatabaseA(session_, database.c_str(), 0));
    ASSERT_JET(JetOpenDatabaseA(session_, database.c_str(), nullptr, &database_, 0));
    ASSERT_JET(JetOpenTableA(session_, database_, "rows", nullptr, 0, 0, &rows_));
  }
  std::vector<std::int32_t> ids_in(const std::string& database) {
    open_again(database);
    return all_ids(rows_);
  }

  // What there is, with its content.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      all[entry.path()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return all;
  }
  // A refusal leaves every byte as it is.
  void expect_refused(JET_ERR expected, JET_ERR actual,
                      const std::map<std::string, std::string>& before) {
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(instance_, JET_instanceNil);
    EXPECT_TRUE(files() == before) << "a refusal has changed files";
  }

  const std::string was_ = folder_.file("one.edb"), now_ = folder_.file("moved/renamed.edb");
  const std::vector<std::int32_t> committed_{1, 2};
};

TEST_F(JetRestoreMapTest, ADatabaseIsRecoveredWhereTheMapSays) {
  ASSERT_JET(init(JET_RSTMAP_A{was_.c_str(), now_.c_str()}));
  EXPECT_FALSE(fs::exists(was_));
  EXPECT_EQ(ids_in(now_), committed_);
}

TEST_F(JetRestoreMapTest, WithoutItsPathItIsKnownByItsSignature) {
  ASSERT_JET(init(JET_RSTMAP_A{nullptr, now_.c_str()}));
  EXPECT_EQ(ids_in(now_), committed_);
}

TEST_F(JetRestoreMapTest, APathThatTheLogDoesNotKnowDoesNotMatter) {
  ASSERT_JET(init(JET_RSTMAP_A{"C:\\elsewhere\\one.edb", now_.c_str()}));
  EXPECT_EQ(ids_in(now_), committed_);
}

TEST_F(JetRestoreMapTest, OneThatIsInUseAndNotFoundIsAnError) {
  const auto before = files();
  expect_refused(JET_errAttachedDatabaseMismatch, init_without_map(), before);
  const std::string other = folder_.file("moved/other.edb");
  const JET_RSTMAP_A wrong{was_.c_str(), other.c_str()};
  expect_refused(JET_errAttachedDatabaseMismatch, init(wrong), before);
  expect_refused(JET_errAttachedDatabaseMismatch, init(wrong, JET_bitReplayMissingMapEntryDB),
                 before);
}

TEST_F(JetRestoreMapTest, OneThatAnotherHasIsNotRecovered) {
  const JET_RSTMAP_A moved{was_.c_str(), now_.c_str()};
  const auto before = files();
  {
    const auto held = ese::PathLock::take(now_);
    ASSERT_TRUE(held.ok() && held.value());
    expect_refused(JET_errDatabaseSharingViolation, init(moved), before);
  }
  ASSERT_JET(init(moved));
  EXPECT_EQ(ids_in(now_), committed_);
}

TEST_F(JetRestoreMapTest, OneThatIsNotFoundCanBeLeftOut) {
  ASSERT_JET(init_without_map(JET_bitReplayIgnoreMissingDB));
  JET_SESID session = JET_sesidNil;
  ASSERT_JET(JetBeginSessionA(instance_, &session, nullptr, nullptr));
  EXPECT_EQ(JetAttachDatabaseA(session, now_.c_str(), 0), JET_errDatabaseDirtyShutdown);
}

TEST_F(JetRestoreMapTest, OneThatIsNotNamedStaysWhereItWasOnlyIfThatIsAskedFor) {
  fs::rename(now_, was_);
  if (fs::exists(now_ + ".shelter")) fs::rename(now_ + ".shelter", was_ + ".shelter");
  const auto before = files();
  const JET_RSTMAP_A other{"C:\\other.edb", now_.c_str()};
  expect_refused(JET_errAttachedDatabaseMismatch, init(other), before);
  ASSERT_JET(init(other, JET_bitReplayMissingMapEntryDB));
  EXPECT_EQ(ids_in(was_), committed_);
}

struct ToldOfRecovery {
  int begun = 0, progressed = 0, completed = 0;
  std::uint32_t percent = 0;
};
JET_ERR tell_context(JET_SNP snp, JET_SNT snt, void* pv, void* context) {
  auto& told = *static_cast<ToldOfRecovery*>(context);
  EXPECT_EQ(snp, static_cast<JET_SNP>(JET_snpRestore));
  told.begun += snt == JET_sntBegin ? 1 : 0;
  told.progressed += snt == JET_sntProgress ? 1 : 0;
  told.completed += snt == JET_sntComplete ? 1 : 0;
  const std::uint32_t percent = static_cast<JET_SNPROG*>(pv)->cunitDone;
  EXPECT_GE(percent, told.percent);
  told.percent = percent;
  return JET_errSuccess;
}

TEST_F(JetRestoreMapTest, TheNewFormTakesAContextAndWideNames) {
  const fs::path was(was_), now(now_);
  const std::u16string was16 = was.u16string(), now16 = now.u16string();
  ToldOfRecovery told;
  JET_RSTMAP2_W entry{};
  entry.cbStruct = sizeof entry;
  entry.szDatabaseName = was16.c_str();
  entry.szNewDatabaseName = now16.c_str();
  JET_RSTINFO2_W info{};
  info.cbStruct = sizeof info;
  info.rgrstmap = &entry;
  info.crstmap = 1;
  info.pfnCallback = tell_context;
  info.pvCallbackContext = &told;
  instance_ = small_instance(folder_, "application");
  ASSERT_JET(JetInit4W(&instance_, &info, 0));
  EXPECT_EQ(told.begun, 1);
  EXPECT_GE(told.progressed, 1);
  EXPECT_EQ(told.completed, 1);
  EXPECT_EQ(told.percent, 100U);
  EXPECT_EQ(ids_in(now_), committed_);
}

TEST_F(JetRestoreMapTest, ArgumentsAreCheckedBeforeAnything) {
  const auto before = files();
  const auto refused = [&](JET_ERR expected, const JET_RSTINFO_A& info) {
    SCOPED_TRACE(expected);
    expect_refused(expected, init(info), before);
  };
  JET_RSTMAP_A two[] = {{was_.c_str(), now_.c_str()}, {"other", now_.c_str()}};
  JET_RSTINFO_A info{};
  info.crstmap = 2;
  refused(JET_errInvalidParameter, info);  // no map
  info.rgrstmap = two;
  refused(JET_errInvalidParameter, info);  // one file is two databases
  info.crstmap = 15;
  refused(JET_errInvalidParameter, info);
  info.crstmap = 1;
  info.lgposStop.isec = 4;
  refused(JET_errInvalidParameter, info);
  info.lgposStop.lGeneration = 1;
  refused(JET_errFeatureNotAvailable, info);
  info.lgposStop = {};
  info.logtimeStop.bYear = 100;
  refused(JET_errInvalidParameter, info);
  info.logtimeStop = {};
  two[0].szNewDatabaseName = nullptr;
  refused(JET_errDatabaseInvalidName, info);
  info.cbStruct = 1;
  instance_ = small_instance(folder_, "application");
  expect_refused(JET_errInvalidParameter, JetInit3A(&instance_, &info, 0), before);
}

TEST_F(JetRestoreMapTest, EntriesHaveNoOptionsOfTheirOwn) {
  const auto before = files();
  JET_RSTMAP2_A entry{sizeof entry, was_.c_str(), now_.c_str(), nullptr, 0, 0};
  JET_RSTINFO2_A info{};
  info.cbStruct = sizeof info;
  info.rgrstmap = &entry;
  info.crstmap = 1;
  const auto init_new = [&] {
    instance_ = small_instance(folder_, "application");
    return JetInit4A(&instance_, &info, 0);
  };
  entry.grbit = JET_bitRestoreMapIgnoreWhenMissing;
  expect_refused(JET_errFeatureNotAvailable, init_new(), before);
  entry.grbit = 0x80;
  expect_refused(JET_errInvalidGrbit, init_new(), before);
  entry.grbit = 0;
  entry.csetdbparam = 1;
  expect_refused(JET_errFeatureNotAvailable, init_new(), before);
  entry.csetdbparam = 0;
  entry.cbStruct = 4;
  expect_refused(JET_errInvalidParameter, init_new(), before);
  entry.cbStruct = sizeof entry;
  ASSERT_JET(init_new());
  EXPECT_EQ(ids_in(now_), committed_);
}

}  // namespace
}  // namespace stillframe::ese::tests

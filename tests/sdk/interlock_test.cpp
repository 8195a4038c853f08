#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/sdk/interlock_file.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

class Interlock : public ::testing::Test {
 protected:
  static InterlockRecord record() {
    InterlockRecord r;
    r.session = SessionId::generate();
    r.target = "orders/eu";
    r.registration.component = {"Stores", "orders"};
    r.registration.checkpoint_path = "/db/\xff";
    r.registration.moved = {{"/old\n", "/new"}};
    r.registration.low = 3;
    r.registration.high = 9;
    r.since = WallTime(Duration(1'700'000'000'000'000'000));
    r.unknown["later"] = "{\"x\":1}";
    return r;
  }
  void write(const std::string& text) {
    std::ofstream(directory_ / kInterlockName, std::ios::binary) << text;
  }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(directory_.path())) {
      ++n;
    }
    return n;
  }

  tests::SocketFolder directory_;
  const BytePath dir_ = directory_.path();
};

TEST_F(Interlock, RecordComesBackAsItWasRegistered) {
  const InterlockRecord r = record();
  ASSERT_TRUE(register_interlock(dir_, r).ok());
  auto back = read_interlock(dir_);
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value(), r);
  EXPECT_EQ(files(), 1u);
  struct stat st {};
  ASSERT_EQ(::stat((directory_ / kInterlockName).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(Interlock, SecondRegistrationIsRefusedAndLeavesTheFirst) {
  const InterlockRecord first = record();
  ASSERT_TRUE(register_interlock(dir_, first).ok());
  Status second = register_interlock(dir_, record());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::interlocked);
  EXPECT_NE(second.error().what().find("abandon"), std::string::npos);
  EXPECT_EQ(read_interlock(dir_).value(), first);
  EXPECT_EQ(files(), 1u);
}

TEST_F(Interlock, GateFollowsTheStateOfTheRestore) {
  EXPECT_TRUE(startup_gate(dir_).ok());
  EXPECT_TRUE(startup_gate(directory_ / "not/there").ok());
  InterlockRecord r = record();
  ASSERT_TRUE(register_interlock(dir_, r).ok());
  EXPECT_EQ(startup_gate(dir_).error().code(), Errc::interlocked);
  r.state = InterlockRecord::State::failed;
  r.failure = "disk full";
  ASSERT_TRUE(update_interlock(dir_, r).ok());
  Status failed = startup_gate(dir_);
  EXPECT_EQ(failed.error().code(), Errc::interlocked);
  EXPECT_NE(failed.error().what().find("disk full"), std::string::npos);
  r.state = InterlockRecord::State::copied;
  r.failure.clear();
  ASSERT_TRUE(update_interlock(dir_, r).ok());
  EXPECT_TRUE(startup_gate(dir_).ok());
  EXPECT_EQ(read_interlock(dir_).error().code(), Errc::not_found);
  EXPECT_TRUE(startup_gate(dir_).ok());
}

TEST_F(Interlock, RecoveredRecordOpensTheGateAndGoes) {
  InterlockRecord r = record();
  ASSERT_TRUE(register_interlock(dir_, r).ok());
  r.state = InterlockRecord::State::recovered;
  ASSERT_TRUE(update_interlock(dir_, r).ok());
  EXPECT_TRUE(startup_gate(dir_).ok());
  EXPECT_EQ(files(), 0u);
}

TEST_F(Interlock, UpdateNeedsARecordAndRemoveDoesNot) {
  EXPECT_EQ(update_interlock(dir_, record()).error().code(), Errc::not_found);
  EXPECT_TRUE(remove_interlock(dir_).ok());
}

TEST_F(Interlock, TornRecordIsTruncatedAndKeepsTheGateShut) {
  const std::string text = write_interlock_text(record());
  for (std::size_t keep = 0; keep + 2 < text.size(); keep += 7) {
    write(text.substr(0, keep));
    auto torn = read_interlock(dir_);
    ASSERT_FALSE(torn.ok()) << keep;
    EXPECT_EQ(torn.error().code(), Errc::truncated) << keep;
    EXPECT_EQ(startup_gate(dir_).error().code(), Errc::interlocked);
  }
}

TEST_F(Interlock, ForeignAndFutureRecordsKeepTheGateShut) {
  std::string future = write_interlock_text(record());
  const auto major = future.find("\"major\": 1");
  ASSERT_NE(major, std::string::npos);
  future.replace(major, 10, "\"major\": 2");
  std::string unsound = write_interlock_text(record());
  const auto session = unsound.find("\"session\": \"");
  ASSERT_NE(session, std::string::npos);
  unsound.replace(session + 12, 36, "00000000-0000-0000-0000-000000000000");
  const std::pair<std::string, Errc> cases[] = {
      {"SET recover=1\n", Errc::corrupt},
      {"{}", Errc::corrupt},
      {"[]", Errc::corrupt},
      {R"({"format":"other","version":{"major":1,"minor":0}})", Errc::corrupt},
      {R"({"format":"stillframe-interlock"})", Errc::corrupt},
      {unsound, Errc::corrupt},
      {future, Errc::future_version},
  };
  for (const auto& [text, code] : cases) {
    write(text);
    EXPECT_EQ(read_interlock(dir_).error().code(), code) << text;
    EXPECT_EQ(startup_gate(dir_).error().code(), Errc::interlocked) << text;
    EXPECT_EQ(register_interlock(dir_, record()).error().code(), Errc::interlocked) << text;
  }
}

// The process dies at each step of placing a record: the record is there and whole, or it is not
// there, and either way the next registration or update works.
TEST_F(Interlock, KilledAtAnyStepTheRecordIsAbsentOrComplete) {
  const InterlockRecord before = record();
  InterlockRecord after = before;
  after.state = InterlockRecord::State::copied;
  for (const bool replace : {false, true}) {
    for (const std::string_view step : {"created", "written", "synced", "placed", "done"}) {
      SCOPED_TRACE(std::string(step) + (replace ? " of update" : " of register"));
      ASSERT_TRUE(remove_interlock(dir_).ok());
      if (replace) {
        ASSERT_TRUE(register_interlock(dir_, before).ok());
      }
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        (void)place_interlock(dir_, after, replace, [&](std::string_view at) {
          if (at == step) ::raise(SIGKILL);
        });
        ::_exit(0);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status));
      const bool placed = step == "placed" || step == "done";
      auto found = read_interlock(dir_);
      if (placed) {
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(found.value(), after);
      } else if (replace) {
        ASSERT_TRUE(found.ok());
        EXPECT_EQ(found.value(), before);
      } else {
        EXPECT_EQ(found.error().code(), Errc::not_found);
        EXPECT_TRUE(register_interlock(dir_, after).ok());
      }
      ASSERT_TRUE(remove_interlock(dir_).ok());
      EXPECT_EQ(files(), 0u);
    }
  }
}

}  // namespace
}  // namespace stillframe

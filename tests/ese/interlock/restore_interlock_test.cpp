// The record's changes, and a machine that stops in them.
#include "writers/ese/interlock/restore_interlock.hpp"

#include <functional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;

const BytePath kLogs = "/logs";

RestoreRecord record_of(std::uint64_t id) {
  RestoreRecord record;
  record.id = RestoreId{id};
  record.checkpoint = record.logs = kLogs;
  record.set = "/set";
  record.databases = {{"/old/one", "/new/one"}};
  return record;
}

void put(Files& files, const BytePath& path, std::string_view text) {
  const auto file = files.create(path);
  ASSERT_TRUE(file.ok());
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  ASSERT_TRUE(file.value()->write(0, {bytes, text.size()}).ok());
}

std::string state_in(Files& files) {
  const auto found = read_restore_record(files, kLogs);
  if (!found.ok()) return found.error().what();
  if (!found.value()) return "none";
  const RestoreRecord& record = *found.value();
  return std::to_string(static_cast<std::uint64_t>(record.id)) + " " +
         std::string(name_of(record.state));
}

class RestoreInterlockTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.make_directory(kLogs).ok()); }
  CrashingFiles files_;
};

TEST_F(RestoreInterlockTest, OneRestoreIsRegisteredAtATime) {
  ASSERT_TRUE(check_no_restore(files_, kLogs).ok());
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  EXPECT_TRUE(is(register_restore(files_, record_of(2)).error(), EseErr::restore_in_progress));
  EXPECT_TRUE(is(check_no_restore(files_, kLogs).error(), EseErr::restore_in_progress));
  ASSERT_TRUE(complete_restore(files_, kLogs, RestoreId{1}, 0).ok());
  EXPECT_TRUE(is(register_restore(files_, record_of(2)).error(), EseErr::restore_in_progress));
  EXPECT_EQ(state_in(files_), "1 copied");
}

TEST_F(RestoreInterlockTest, ItIsCompletedOnceByWhoRegisteredIt) {
  EXPECT_EQ(complete_restore(files_, kLogs, RestoreId{1}, 0).error().code(), Errc::wrong_state);
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  EXPECT_EQ(complete_restore(files_, kLogs, RestoreId{2}, 0).error().code(), Errc::wrong_state);
  ASSERT_TRUE(complete_restore(files_, kLogs, RestoreId{1}, 5).ok());
  EXPECT_EQ(complete_restore(files_, kLogs, RestoreId{1}, 0).error().code(), Errc::wrong_state);
  EXPECT_EQ(state_in(files_), "1 failed");
}

TEST_F(RestoreInterlockTest, AFailedOneIsReplacedByTheNext) {
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  ASSERT_TRUE(complete_restore(files_, kLogs, RestoreId{1}, 5).ok());
  ASSERT_TRUE(register_restore(files_, record_of(2)).ok());
  EXPECT_EQ(state_in(files_), "2 registered");
}

TEST_F(RestoreInterlockTest, AnAdministratorResumesIt) {
  EXPECT_EQ(resume_restore(files_, kLogs).error().code(), Errc::wrong_state);
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  ASSERT_TRUE(resume_restore(files_, kLogs).ok());
  EXPECT_EQ(state_in(files_), "1 copied");
  EXPECT_EQ(resume_restore(files_, kLogs).error().code(), Errc::wrong_state);
  ASSERT_TRUE(abandon_restore(files_, kLogs).ok());
  ASSERT_TRUE(register_restore(files_, record_of(2)).ok());
  ASSERT_TRUE(complete_restore(files_, kLogs, RestoreId{2}, 5).ok());
  ASSERT_TRUE(resume_restore(files_, kLogs).ok());
  EXPECT_EQ(state_in(files_), "2 copied");
}

TEST_F(RestoreInterlockTest, AnAdministratorAbandonsItAndWhatIsDamaged) {
  EXPECT_EQ(abandon_restore(files_, kLogs).error().code(), Errc::wrong_state);
  put(files_, restore_record_path(kLogs), "stillframe-ese-restore 1\nid");
  EXPECT_TRUE(is(register_restore(files_, record_of(1)).error(), EseErr::restore_in_progress));
  EXPECT_EQ(resume_restore(files_, kLogs).error().code(), Errc::truncated);
  ASSERT_TRUE(abandon_restore(files_, kLogs).ok());
  EXPECT_EQ(state_in(files_), "none");
}

TEST_F(RestoreInterlockTest, TheRecordOfSomebodyElseStays) {
  put(files_, restore_record_path(kLogs), "{\"format\": \"stillframe-interlock\"}\n");
  EXPECT_TRUE(is(register_restore(files_, record_of(1)).error(), EseErr::restore_in_progress));
  EXPECT_EQ(abandon_restore(files_, kLogs).error().code(), Errc::not_supported);
  EXPECT_TRUE(files_.exists(restore_record_path(kLogs)));
}

// ---- The machine stops

class InterruptedInterlockTest : public RestoreInterlockTest {
 protected:
  // Stops `change` at each of its operations: what is found is as before or as after it, after it
  // alone once it returned, and the change can be made again.
  void stop_everywhere(const std::string& before, const std::string& after,
                       const std::function<Status(Files&)>& change) {
    for (std::uint64_t operation = 1;; ++operation) {
      bool done = false;
      for (int disk = 0; disk < 20; ++disk) {
        SCOPED_TRACE("stopped at operation " + std::to_string(operation));
        const auto files = files_.after_crash(random_, 512);
        ASSERT_EQ(state_in(*files), before);
        files->stop_at(operation);
        done = change(*files).ok();
        const auto found = files->after_crash(random_, 512);
        const std::string state = state_in(*found);
        EXPECT_TRUE(state == after || (!done && state == before)) << state;
        if (state == before) {
          EXPECT_TRUE(change(*found).ok());
        }
        EXPECT_EQ(state_in(*found), after);
      }
      if (done || HasFailure()) return;
    }
  }
  std::mt19937_64 random_{5};
};

TEST_F(InterruptedInterlockTest, ARegistrationIsThereOrNot) {
  stop_everywhere("none", "1 registered",
                  [](Files& files) { return register_restore(files, record_of(1)); });
}

TEST_F(InterruptedInterlockTest, AFailedOneStaysUntilTheNextIsRegistered) {
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  ASSERT_TRUE(complete_restore(files_, kLogs, RestoreId{1}, 5).ok());
  stop_everywhere("1 failed", "2 registered",
                  [](Files& files) { return register_restore(files, record_of(2)); });
}

TEST_F(InterruptedInterlockTest, ACompletionIsThereOrNot) {
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  stop_everywhere("1 registered", "1 copied",
                  [](Files& files) { return complete_restore(files, kLogs, RestoreId{1}, 0); });
  stop_everywhere("1 registered", "1 failed", [](Files& files) {
    return complete_restore(files, kLogs, RestoreId{1}, 0xC7FF0002);
  });
}

TEST_F(InterruptedInterlockTest, ADecisionIsThereOrNot) {
  ASSERT_TRUE(register_restore(files_, record_of(1)).ok());
  stop_everywhere("1 registered", "1 copied",
                  [](Files& files) { return resume_restore(files, kLogs); });
  stop_everywhere("1 registered", "none",
                  [](Files& files) { return abandon_restore(files, kLogs); });
}

}  // namespace
}  // namespace stillframe::ese

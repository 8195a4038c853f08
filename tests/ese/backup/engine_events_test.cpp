// What an administrator is told of an instance and its backups.
#include <algorithm>
#include <mutex>

#include <gmock/gmock.h>

#include "framework/base/event_sink.hpp"
#include "tests/ese/backup/streaming_backup_fixture.hpp"
#include "tests/io/support/limited_files.hpp"
#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/instance/instance_events.hpp"

namespace stillframe::ese::tests {
namespace {

using stillframe::tests::LimitedFiles;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class CollectedEvents final : public EventSink {
 public:
  void emit(const EventRecord& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::vector<EngineEvent> ids() const {
    std::vector<EngineEvent> ids;
    for (const EventRecord& each : events_) ids.push_back(static_cast<EngineEvent>(each.id));
    return ids;
  }
  std::vector<EventRecord> of(EngineEvent event) const {
    std::vector<EventRecord> found;
    for (const EventRecord& each : events_) {
      if (each.id == static_cast<int>(event)) found.push_back(each);
    }
    return found;
  }
  std::vector<std::string> messages(EngineEvent event) const {
    std::vector<std::string> messages;
    for (const EventRecord& each : of(event)) messages.push_back(each.message);
    return messages;
  }
  void forget() { events_.clear(); }

 private:
  std::mutex mutex_;
  std::vector<EventRecord> events_;
};

class EngineEventsTest : public StreamingBackupTest {
 protected:
  void SetUp() override {
    options_.events = &events_;
    start(frozen_files_);
  }
  // The next start has nothing to recover.
  void end_in_order() {
    backup_.reset();
    model_.crash();
    const Status stopped = instance_->stop();
    ASSERT_TRUE(stopped.ok()) << stopped.error().what();
    instance_.reset();
  }
  // When the instance starts again its database says that there was a log behind the last one.
  void lose_transactions() {
    work();
    leave();
    DatabaseHeader header = header_of(files_, kOne);
    const auto last = static_cast<std::int32_t>(header.gen_max_committed);
    header.gen_max_committed = Generation{last + 1};
    std::vector<std::byte> page(kPage);
    seal_header(header, page);
    auto file = files_.open(kOne, FileAccess::write);
    ASSERT_TRUE(file.value()->write(0, page).ok());
    ASSERT_TRUE(file.value()->write(kPage, page).ok());
    events_.forget();
    options_.accept_lost_commits = true;
    instance_ = started(frozen_files_, options_);
    ASSERT_NE(instance_, nullptr);
  }

  LimitedFiles limited_files_{files_, std::uint64_t{1} << 30};
  FreezableFiles frozen_files_{files_};  // outlives the instance, which TearDown() ends
  CollectedEvents events_;
};

TEST_F(EngineEventsTest, ARunIsToldFromItsStartToItsEnd) {
  EXPECT_EQ(events_.ids(),
            (std::vector{EngineEvent::log_begun, EngineEvent::started,
                         EngineEvent::database_created, EngineEvent::database_created}));
  EXPECT_EQ(events_.of(EngineEvent::started)[0].fields.at("logs"), "/log");
  EXPECT_EQ(events_.of(EngineEvent::database_created)[1].fields.at("database"), kTwo);
  events_.forget();
  ASSERT_TRUE(instance_->log().roll().ok());
  ASSERT_EQ(events_.of(EngineEvent::log_begun).size(), 1U);
  EXPECT_EQ(events_.of(EngineEvent::log_begun)[0].fields.at("generation"), "2");
  end_in_order();
  EXPECT_THAT(events_.ids(), Contains(EngineEvent::stopped));
}

TEST_F(EngineEventsTest, ARecoveryIsTold) {
  work();
  leave();
  events_.forget();
  start(frozen_files_);
  ASSERT_EQ(events_.of(EngineEvent::recovered).size(), 1U);
  EXPECT_NE(events_.of(EngineEvent::recovered)[0].fields.at("changes"), "0");
  end_in_order();
  events_.forget();
  start(frozen_files_);
  EXPECT_THAT(events_.ids(), Not(Contains(EngineEvent::recovered))) << "there was nothing to do";
}

TEST_F(EngineEventsTest, AStartThatFailsIsTold) {
  end_in_order();
  events_.forget();
  InstanceOptions other = options_;
  other.page_bytes = 8192;
  EXPECT_FALSE(Instance::start(files_, other).ok());
  const auto told = events_.of(EngineEvent::start_failed);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].level, EventLevel::error);
  EXPECT_THAT(told[0].message, HasSubstr("pages of 4096"));
  EXPECT_THAT(events_.ids(), Not(Contains(EngineEvent::started)));
}

TEST_F(EngineEventsTest, TransactionsThatAreLostAreTold) {
  lose_transactions();
  const auto told = events_.of(EngineEvent::commits_lost);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].level, EventLevel::warning);
  EXPECT_EQ(told[0].fields.at("generation"),
            std::to_string(static_cast<std::int32_t>(instance_->recovered()->plan.last)));
  EXPECT_TRUE(instance_->attach_database(kOne).ok());
}

TEST_F(EngineEventsTest, TransactionsThatAreLostAreNotToldToWhoDoesNotWantToHear) {
  options_.tell_lost_commits = false;
  lose_transactions();
  EXPECT_THAT(events_.ids(), Contains(EngineEvent::started));
  EXPECT_THAT(events_.ids(), Not(Contains(EngineEvent::commits_lost)));
}

TEST_F(EngineEventsTest, DatabasesThatComeAndGoAreTold) {
  model_.crash();
  backup_.reset();
  events_.forget();
  ASSERT_TRUE(instance_->detach_database(kTwo).ok());
  ASSERT_TRUE(instance_->attach_database(kTwo).ok());
  EXPECT_EQ(events_.ids(),
            (std::vector{EngineEvent::database_detached, EngineEvent::database_attached}));
}

TEST_F(EngineEventsTest, ADamagedPageIsTold) {
  work();
  end_in_order();
  {
    auto file = files_.open(kOne, FileAccess::write);
    const std::vector<std::byte> damage(100, std::byte{0x5A});
    ASSERT_TRUE(file.value()->write(5 * kPage + 200, damage).ok());  // page 4: the catalog
  }
  events_.forget();
  instance_ = started(frozen_files_, options_);
  EXPECT_FALSE(instance_->attach_database(kOne).ok());
  const auto told = events_.of(EngineEvent::page_damaged);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].level, EventLevel::error);
  EXPECT_EQ(told[0].fields.at("page"), "4");
}

TEST_F(EngineEventsTest, WorkInTheBackgroundThatFailsIsToldOnce) {
  end_in_order();
  options_.checkpoint_depth = 4096;
  start(limited_files_);
  work();
  limited_files_.set_free(0);  // pages that are written need room beside the database
  events_.forget();
  EXPECT_FALSE(instance_->maintain().ok());
  EXPECT_FALSE(instance_->maintain().ok());
  const auto told = events_.of(EngineEvent::background_failed);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].level, EventLevel::error);
  EXPECT_THAT(told[0].message, HasSubstr("writing pages"));
  limited_files_.set_free(std::uint64_t{1} << 30);
  const Status again = instance_->maintain();
  EXPECT_TRUE(again.ok()) << again.error().what();
  EXPECT_THAT(events_.ids(), Contains(EngineEvent::background_works_again));
  end_in_order();
}

TEST_F(EngineEventsTest, CircularLoggingTellsWhatItRemoves) {
  end_in_order();
  options_.circular = true;
  start(frozen_files_);
  events_.forget();
  work_long();
  EXPECT_THAT(events_.ids(), Contains(EngineEvent::logs_removed));
}

TEST_F(EngineEventsTest, AStreamingBackupIsToldFromItsBeginningToItsEnd) {
  work_long();
  events_.forget();
  (void)backed_up("/set");
  const auto told = events_.messages(EngineEvent::streaming_backup);
  EXPECT_THAT(told, Contains(HasSubstr("has begun")));
  EXPECT_THAT(told, Contains(HasSubstr("were removed")));
  EXPECT_THAT(told, Contains(HasSubstr("has ended")));
}

TEST_F(EngineEventsTest, ASnapshotIsToldFromItsBeginningToItsEnd) {
  work_long();
  events_.forget();
  SnapshotOptions options;
  options.continue_after_thaw = true;
  {
    SnapshotSession session(options);
    ASSERT_TRUE(session.add(*instance_, frozen_files_).ok());
    ASSERT_TRUE(session.freeze(std::chrono::minutes(10)).ok());
    ASSERT_TRUE(session.thaw().ok());
    ASSERT_TRUE(session.truncate_log(true).ok());
    ASSERT_TRUE(session.end().ok());
  }
  EXPECT_THAT(events_.messages(EngineEvent::snapshot_backup),
              testing::ElementsAre(HasSubstr("begun"), HasSubstr("are held for"),
                                   HasSubstr("held no longer"), HasSubstr("were removed"),
                                   HasSubstr("ended")));
  events_.forget();
  {
    SnapshotSession session(options);
    ASSERT_TRUE(session.add(*instance_, frozen_files_).ok());
  }
  EXPECT_THAT(events_.messages(EngineEvent::snapshot_backup), Contains(HasSubstr("given up")));
}

}  // namespace
}  // namespace stillframe::ese::tests

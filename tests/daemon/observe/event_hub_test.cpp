#include "framework/daemon/observe/event_hub.hpp"

#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/memory_event_sink.hpp"
#include "framework/coordinator/event_ids.hpp"
#include "framework/daemon/observe/event_ids.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public Clock {
 public:
  BootTime now() const override { return BootTime(Duration(at_.load())); }
  WallTime wall_now() const override { return WallTime(Duration(at_.load())); }
  void advance(Duration by) { at_ += by.count(); }

 private:
  std::atomic<std::int64_t> at_{1'000'000'000};
};

EventRecord event(int id, const std::string& session = "s") {
  EventRecord record;
  record.id = id;
  record.source = "test";
  record.fields = {{"session", session}};
  return record;
}

class EventHubTest : public ::testing::Test {
 protected:
  void start(EventHubOptions options = {}) {
    options.file = options.file.empty() ? path_ : options.file;
    options.clock = &clock_;
    options.retry = 5ms;
    auto started = EventHub::start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.error().what();
    hub_ = std::move(started).value();
  }
  std::vector<int> ids_in(const std::string& path) const {
    std::ifstream file(path);
    std::vector<int> ids;
    for (std::string line; std::getline(file, line);)
      ids.push_back(nlohmann::json::parse(line)["event_id"].get<int>());
    return ids;
  }
  std::vector<int> ids_in_ring() const {
    std::vector<int> ids;
    for (const auto& each : hub_->ring().after(0, 1000).events) ids.push_back(each->record.id);
    return ids;
  }

  ManualClock clock_;
  tests::TemporaryDirectory directory_{"observe"};
  const std::string path_ = directory_.path() + "/events.jsonl";
  std::unique_ptr<EventHub> hub_;
};

TEST_F(EventHubTest, EventsComeToTheFileInOrderAndToListenersAtOnce) {
  start();
  MemoryEventSink listener;
  hub_->add_listener(listener);
  for (int id = 1; id <= 200; ++id) hub_->emit(event(id));
  EXPECT_EQ(listener.events().size(), 200u);
  ASSERT_TRUE(hub_->flush(10s));
  const auto ids = ids_in(path_);
  ASSERT_EQ(ids.size(), 200u);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(hub_->outputs().at(0).written, 200u);
}

TEST_F(EventHubTest, TheFileIsNotTouchedDuringAHoldAndCatchesUpAfterIt) {
  start();
  hub_->emit(event(coordinator::kEventHoldBegun));
  hub_->emit(event(1));
  EXPECT_TRUE(hub_->holding());
  EXPECT_FALSE(hub_->flush(30ms));
  EXPECT_FALSE(std::filesystem::exists(path_)) << "opening it could block as well";
  EXPECT_EQ(ids_in_ring().size(), 2u) << "memory answers meanwhile";
  hub_->emit(event(coordinator::kEventHoldEnded));
  EXPECT_FALSE(hub_->holding());
  ASSERT_TRUE(hub_->flush(10s));
  EXPECT_EQ(ids_in(path_).size(), 3u);
}

TEST_F(EventHubTest, TheHoldOfOneSessionDoesNotEndWithAnother) {
  start();
  hub_->emit(event(coordinator::kEventHoldBegun, "a"));
  hub_->emit(event(coordinator::kEventHoldBegun, "b"));
  hub_->emit(event(coordinator::kEventHoldEnded, "a"));
  EXPECT_TRUE(hub_->holding());
  hub_->emit(event(coordinator::kEventSessionEnded, "b"));
  EXPECT_FALSE(hub_->holding());
}

TEST_F(EventHubTest, AHoldWhoseEndNobodyToldDoesNotSilenceTheLogForEver) {
  start();
  hub_->hold_begins("lost");
  hub_->emit(event(1));
  EXPECT_FALSE(hub_->flush(20ms));
  clock_.advance(181s);
  EXPECT_TRUE(hub_->flush(10s));
}

TEST_F(EventHubTest, ALogThatFailsIsReportedOnceAndWrittenOnceItIsMended) {
  EventHubOptions options;
  options.file = directory_.path() + "/missing/events.jsonl";
  start(std::move(options));
  for (int id = 1; id <= 5; ++id) hub_->emit(event(id));
  for (int tries = 0; tries < 10'000 && ids_in_ring().size() < 6; ++tries)
    std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(hub_->flush(50ms)) << "ten tries";
  EXPECT_THAT(hub_->outputs().at(0).failing, ::testing::HasSubstr("missing/events.jsonl"));
  EXPECT_EQ(std::ranges::count(ids_in_ring(), kEventLogFailing), 1);
  std::filesystem::create_directory(directory_.path() + "/missing");
  for (int tries = 0; tries < 10'000 && ids_in_ring().size() < 7; ++tries)
    std::this_thread::sleep_for(1ms);
  ASSERT_TRUE(hub_->flush(10s));
  auto ids = ids_in(directory_.path() + "/missing/events.jsonl");
  // The log may have failed before the second event was there.
  EXPECT_EQ(std::erase(ids, kEventLogFailing), 1u);
  EXPECT_THAT(ids, ::testing::ElementsAre(1, 2, 3, 4, 5, kEventLogWritesAgain));
}

TEST_F(EventHubTest, WhatTheRingLostBeforeTheLogWasMendedIsCounted) {
  EventHubOptions options;
  options.file = directory_.path() + "/missing/events.jsonl";
  options.ring.events_max = 4;
  start(std::move(options));
  hub_->emit(event(1));
  for (int tries = 0; tries < 2000 && hub_->outputs().at(0).failing.empty(); ++tries)
    std::this_thread::sleep_for(1ms);
  for (int id = 2; id <= 20; ++id) hub_->emit(event(id));
  std::filesystem::create_directory(directory_.path() + "/missing");
  for (int tries = 0; tries < 2000 && !hub_->outputs().at(0).failing.empty(); ++tries)
    std::this_thread::sleep_for(1ms);
  ASSERT_TRUE(hub_->flush(10s));
  // 21 events were before the log worked again, its failure among them; the last four were there.
  EXPECT_EQ(hub_->outputs().at(0).lost, 17u);
}

// A reader that never reads: the writing thread hangs in write(2) as it would on a frozen disk.
TEST_F(EventHubTest, ADiskThatHangsBlocksNeitherWhoEmitsNorTheEndOfTheHub) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const Descriptor reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EventHubOptions options;
  options.stop_patience = 50ms;
  start(std::move(options));
  const auto begun = std::chrono::steady_clock::now();
  EventRecord large = event(1);
  large.message = std::string(200'000, 'x');
  for (int i = 0; i < 20; ++i) hub_->emit(large);
  EXPECT_FALSE(hub_->flush(20ms));
  hub_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(EventHubTest, AfterARotationTheNewFileIsWritten) {
  start();
  hub_->emit(event(1));
  ASSERT_TRUE(hub_->flush(10s));
  std::filesystem::rename(path_, path_ + ".1");
  hub_->reopen_files();
  hub_->emit(event(2));
  ASSERT_TRUE(hub_->flush(10s));
  EXPECT_THAT(ids_in(path_ + ".1"), ::testing::ElementsAre(1));
  EXPECT_THAT(ids_in(path_), ::testing::ElementsAre(2));
}

TEST_F(EventHubTest, DestructionWritesWhatWaits) {
  start();
  for (int id = 1; id <= 100; ++id) hub_->emit(event(id));
  hub_.reset();
  EXPECT_EQ(ids_in(path_).size(), 100u);
}

TEST_F(EventHubTest, ManyThreadsLoseNothing) {
  start();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([this] {
        for (int i = 0; i < 500; ++i) hub_->emit(event(1));
      });
  }
  ASSERT_TRUE(hub_->flush(10s));
  EXPECT_EQ(ids_in(path_).size(), 2000u);
  EXPECT_EQ(hub_->ring().last(), 2000u);
}

}  // namespace
}  // namespace stillframe::daemon

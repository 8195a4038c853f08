#include "tests/ese/support/backup_world.hpp"

#include <chrono>
#include <latch>
#include <thread>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/log_names.hpp"

namespace stillframe::ese::tests {

const std::vector<BytePath>& BackupWorld::paths() {
  static const std::vector<BytePath> kPaths{"/db/one.edb", "/db/two.edb"};
  return kPaths;
}

BackupWorld::BackupWorld(std::uint32_t page_bytes, std::uint64_t seed)
    : options_(small_instance(page_bytes)) {
  options_.cache_bytes = std::size_t{80} * page_bytes;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    const BytePath& path = paths()[thread % paths().size()];
    models_.push_back(std::make_unique<InstanceModel>(
        std::vector<BytePath>{path}, "rows" + std::to_string(thread), seed * 10 + thread));
  }
}

BackupWorld::~BackupWorld() {
  leave();
}

void BackupWorld::start() {
  instance_ = started(freezable_, options_);
  ASSERT_NE(instance_, nullptr);
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (i < paths().size()) {
      const Status opened = models_[i]->open(*instance_);
      ASSERT_TRUE(opened.ok()) << opened.error().what();
    } else {
      models_[i]->join(*instance_);
    }
  }
  backup_ = std::make_unique<StreamingBackup>(*instance_);
}

void BackupWorld::work(std::uint64_t steps) {
  work_beside(steps, [] {});
}

void BackupWorld::work_beside(std::uint64_t steps, const std::function<void()>& meanwhile) {
  std::vector<std::thread> threads;
  for (auto& model : models_) {
    threads.emplace_back([&] {
      Status done = model->work(*instance_, steps);
      EXPECT_TRUE(done.ok()) << done.error().what();
      done = model->finish();
      EXPECT_TRUE(done.ok()) << done.error().what();
    });
  }
  meanwhile();
  for (std::thread& thread : threads) thread.join();
  const Status maintained = instance_->maintain();
  EXPECT_TRUE(maintained.ok()) << maintained.error().what();
}

// Beyond its steps it writes more slowly, so that what there is to restore stays small however long
// `meanwhile` takes.
void BackupWorld::write_until(InstanceModel& model, std::uint64_t steps,
                              const std::function<void()>& warm, const std::atomic<bool>& over) {
  constexpr std::uint64_t kWarmSteps = 3;
  constexpr std::chrono::microseconds kPace{200};
  Status done = Ok{};
  for (std::uint64_t i = 0; done.ok() && (i < steps || !over); ++i) {
    done = model.work(*instance_, 1);
    if (i == kWarmSteps) warm();
    if (i > steps) std::this_thread::sleep_for(kPace);
  }
  EXPECT_TRUE(done.ok()) << done.error().what();
}

void BackupWorld::load_beside(std::uint64_t steps, const std::function<void()>& meanwhile) {
  std::atomic<bool> over{false};
  std::latch warm(static_cast<std::ptrdiff_t>(models_.size()));
  std::vector<std::thread> threads;
  for (auto& model : models_) {
    threads.emplace_back([this, &over, &warm, steps, model = model.get()] {
      bool counted = false;
      const auto count = [&] {
        if (!std::exchange(counted, true)) warm.count_down();
      };
      write_until(*model, steps, count, over);
      count();
    });
  }
  warm.wait();
  meanwhile();
  over = true;
  for (std::thread& thread : threads) thread.join();
}

void BackupWorld::leave() {
  if (instance_ == nullptr) return;
  EXPECT_TRUE(instance_->log().make_all_durable().ok());
  backup_.reset();
  for (auto& model : models_) model->crash();
  instance_.reset();
}

BackupWorld::State BackupWorld::state_for(const std::vector<BytePath>& places) const {
  State state;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const BytePath& place = places[i % paths().size()];
    if (!place.empty()) state.push_back(models_[i]->of_copies({place}));
  }
  return state;
}

void BackupWorld::begin_moment() {
  for (auto& model : models_) model->begin_moment();
}

void BackupWorld::end_moment() {
  for (auto& model : models_) model->end_moment();
}

BackupWorld::State BackupWorld::at_moment(const std::vector<BytePath>& places) const {
  State state;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const BytePath& place = places[i % paths().size()];
    if (!place.empty()) state.push_back(models_[i]->at_moment({place}));
  }
  return state;
}

void BackupWorld::expect_state(const State& state, const std::vector<BytePath>& places,
                               const BytePath& logs) {
  InstanceOptions options = options_;
  options.logs = logs;
  options.system.clear();
  expect_state(state, places, options);
  for (const BytePath& place : places) {
    if (place.empty()) continue;
    EXPECT_EQ(header_of(*files_, place).full_previous, BackupInfo{});
  }
}

void BackupWorld::expect_state(const State& state, const std::vector<BytePath>& places,
                               const InstanceOptions& options) {
  const auto instance = started(*files_, options);
  ASSERT_NE(instance, nullptr);
  for (const BytePath& place : places) {
    if (place.empty()) continue;
    const auto attached = instance->attach_database(place);
    ASSERT_TRUE(attached.ok()) << attached.error().what();
  }
  for (const auto& model : state) {
    model->join(*instance);
    model->expect_committed(*instance);
  }
  const Status stopped = instance->stop();
  ASSERT_TRUE(stopped.ok()) << stopped.error().what();
  for (const BytePath& place : places) {
    if (!place.empty()) expect_sound(*files_, place);
  }
}

PlacedSet place_set(Files& files, const BackupSet& set, const BytePath& place) {
  PlacedSet placed;
  placed.restore.set = place + "/set";
  placed.restore.logs = placed.restore.checkpoint = place + "/log";
  placed.restore.low = set.low;
  placed.restore.high = set.high;
  const auto names = files.list(set.directory);
  EXPECT_TRUE(names.ok());
  for (const BytePath& name : names.value()) {
    const auto log = parse_log_file_name("edb", name);
    if (log && log->generation <= set.high) {
      copy_file(files, join_path(set.directory, name), join_path(placed.restore.set, name));
    }
  }
  for (const BytePath& path : BackupWorld::paths()) {
    const BytePath to = join_path(place, last_component(path));
    copy_file(files, join_path(set.directory, last_component(path)), to);
    placed.databases.push_back(to);
    placed.restore.databases.push_back({path, to});
  }
  return placed;
}

}  // namespace stillframe::ese::tests

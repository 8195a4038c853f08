// An instance with two databases that a model works on, and its backups.
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/support/backup_sets.hpp"
#include "tests/ese/support/instance_model.hpp"
#include "writers/ese/backup/streaming_backup.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese::tests {

inline const BytePath kOne = "/db/one.edb", kTwo = "/db/two.edb";
inline constexpr std::uint32_t kPage = 4096;

class StreamingBackupTest : public testing::Test {
 protected:
  StreamingBackupTest() : options_(small_instance(kPage)), model_({kOne, kTwo}, "rows", 7) {}

  void SetUp() override { start(files_); }

  void start(Files& files) {
    leave();
    instance_ = started(files, options_);
    ASSERT_NE(instance_, nullptr);
    const Status opened = model_.open(*instance_);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    backup_ = std::make_unique<StreamingBackup>(*instance_, notices_.options());
  }
  void leave() {
    backup_.reset();
    model_.crash();
    instance_.reset();
  }
  void TearDown() override { leave(); }

  void work(std::uint64_t steps = 60) {
    Status done = model_.work(*instance_, steps);
    if (done.ok()) done = model_.finish();
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  // Several generations of log, most of them behind the checkpoint.
  void work_long() {
    for (int i = 0; i < 4; ++i) {
      work();
      ASSERT_TRUE(instance_->log().roll().ok());
      ASSERT_TRUE(instance_->maintain().ok());
      ASSERT_TRUE(instance_->flush().ok());
    }
  }
  BackupSet backed_up(const BytePath& directory, const BackupPlan& plan = {}) {
    auto set = take_backup(*backup_, files_, directory, plan);
    if (set.ok()) return set.value();
    ADD_FAILURE() << set.error().what();
    return {};
  }
  std::vector<BytePath> logs() {
    std::vector<BytePath> paths;
    for (const auto& [generation, path] : finished_logs(files_, "/log")) {
      paths.push_back(path);
    }
    return paths;
  }

  CrashingFiles files_;
  InstanceOptions options_;
  InstanceModel model_;
  Notices notices_;
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<StreamingBackup> backup_;
};

template <class T>
::testing::AssertionResult fails(const Result<T>& result, EseErr err) {
  if (result.ok()) return ::testing::AssertionFailure() << "it was done";
  if (is(result.error(), err)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error().what();
}

}  // namespace stillframe::ese::tests
